/**
 * What operations work on, and the reasons that several of them share.
 *
 * @import {Project, Scene} from "../api/types.js"
 * @import {SpotTour} from "../guidance/spot_tour.js"
 * @import {Keymap} from "./keymap.js"
 * @import {Labelling, Situation} from "../labelling.js"
 * @import {AskedPoints} from "../state/asked_points.js"
 * @import {EditorDocument} from "../state/document.js"
 * @import {Store} from "../state/store.js"
 * @import {Tools} from "../state/tools.js"
 * @import {Advice} from "../ui/advice.js"
 */
import { t } from "../i18n.js";
import { asksForPoints } from "../state/asked_points.js";
import { sameMask } from "../state/mask.js";

/**
 * @typedef {object} Bench
 * @property {Project} project
 * @property {EditorDocument} document
 * @property {Store<Tools>} tools
 * @property {Store<Situation>} situation
 * @property {Labelling} labelling
 * @property {Scene[]} scenes ready ones, the newest first
 * @property {Keymap<Operation>} keymap which keys the person has chosen
 * @property {SpotTour} tour the spots of which the model was least sure
 * @property {() => string | null} whyNoImagery why the tools that look at the imagery cannot
 * @property {() => number | null} pointedValue the class under the pointer
 * @property {() => void} center
 * @property {(levels: 1 | -1) => void} zoom
 * @property {(direction: 1 | -1) => void} visitSpot
 * @property {() => unknown} askPolygon asks for a polygon from elsewhere and burns it
 * @property {() => void} showShortcuts
 * @property {Advice} advice neighbours, masks of other days, bad imagery
 * @property {AskedPoints} points the cells that the annotator is asked to name
 * @property {() => void} startFirstPatch
 *
 * @typedef {object} Operation
 * @property {string} id
 * @property {"tools" | "edit" | "view" | "patch" | "classes" | "locks" | "help"} group
 * @property {string} label
 * @property {string[]} keys as they come; `keymap.keysOf` says which they are
 * @property {(bench: Bench) => unknown} run
 * @property {(bench: Bench) => string | null} [why] why it is not possible now
 * @property {(bench: Bench) => boolean} [isOn] for a switch
 */

const NO_PATCH = t("There is no patch on the table.");

/** @param {Bench} bench */
export const needsPatch = ({ document }) => (document.patch ? null : NO_PATCH);

/** @param {Bench} bench */
export const needsRest = ({ document, situation }) => {
  if (!document.patch) return NO_PATCH;
  const { phase } = situation.state;
  if (phase === "saving") return t("The mask is being saved.");
  return phase === "loading" ? t("The patch is being loaded.") : null;
};

/** @param {Bench} bench */
export const needsProposal = (bench) => needsRest(bench) ?? (bench.document.proposalMask ? null : t("This patch has no proposal."));

/** @param {Bench} bench */
export const needsBoundary = ({ project }) =>
  project.legend.some((one) => one.is_boundary) ? null : t("The legend has no boundary class.");

/** @param {Bench} bench */
export const needsWholePatch = ({ document }) =>
  asksForPoints(document.patch) ? t("Points are asked for here: nobody has looked at the rest of the proposal.") : null;

/** @param {Bench} bench */
export function isProposal({ document }) {
  const mask = document.current();
  return mask !== null && document.proposalMask !== null && sameMask(mask, document.proposalMask);
}
