/**
 * Steps back and forth, and steps that change the whole mask.
 *
 * @import {Bench, Operation} from "./bench.js"
 */
import { t } from "../i18n.js";
import { blankMask } from "../state/asked_points.js";
import { sameMask } from "../state/mask.js";
import { isProposal, needsPatch, needsProposal, needsRest, needsWholePatch } from "./bench.js";

/** @type {Operation[]} */
export const EDITING = [
  {
    id: "undo",
    group: "edit",
    label: t("Undo"),
    keys: ["Ctrl+Z"],
    run: ({ document }) => document.undo(),
    why: (bench) => needsPatch(bench) ?? (bench.document.canUndo() ? null : t("There is nothing to undo.")),
  },
  {
    id: "redo",
    group: "edit",
    label: t("Redo"),
    keys: ["Ctrl+Shift+Z", "Ctrl+Y"],
    run: ({ document }) => document.redo(),
    why: (bench) => needsPatch(bench) ?? (bench.document.canRedo() ? null : t("There is nothing to redo.")),
  },
  {
    id: "reset",
    group: "edit",
    label: t("Reset to the proposal"),
    keys: ["R"],
    run: ({ document }) => document.proposalMask && document.apply(document.proposalMask),
    why: (bench) => needsProposal(bench) ?? needsWholePatch(bench) ?? (isProposal(bench) ? t("The mask is the proposal already.") : null),
  },
  {
    id: "previous",
    group: "edit",
    label: t("Take the mask of the revision before"),
    keys: ["Y"],
    run: ({ labelling }) => labelling.takePrevious(),
    why: (bench) => needsRest(bench) ?? (bench.document.baseNumber > 1 ? null : t("There is no revision before this one.")),
  },
  {
    id: "clear",
    group: "edit",
    label: t("Clear the whole mask"),
    keys: ["Delete"],
    run: ({ document }) => document.apply(blankMask(document.patch)),
    why: (bench) => needsRest(bench) ?? (isBlank(bench) ? t("The mask is empty already.") : null),
  },
  {
    id: "burn",
    group: "edit",
    label: t("Burn in a GeoJSON polygon (or paste or drop it)"),
    keys: ["Insert"],
    run: ({ askPolygon }) => askPolygon(),
    why: needsRest,
  },
];

/** @param {Bench} bench */
function isBlank({ document }) {
  const mask = document.current();
  return mask !== null && sameMask(mask, blankMask(document.patch));
}
