/**
 * Masks to draw by, other ways to see the imagery, and the answer that it is bad.
 *
 * @import {Bench, Operation} from "./bench.js"
 */
import { t } from "../i18n.js";
import { compositesOf } from "../map/imagery.js";
import { nextOf } from "../state/tools.js";
import { needsPatch, needsRest } from "./bench.js";

/** @type {Operation[]} */
export const ADVISING = [
  {
    id: "masks",
    group: "edit",
    label: t("Earlier revisions and other dates: look, compare, take up"),
    keys: ["Shift+Y"],
    run: ({ advice }) => advice.chooseMask(),
    why: needsRest,
  },
  {
    id: "neighbours",
    group: "view",
    label: t("Show the neighbours’ approved masks"),
    keys: ["Shift+N"],
    run: ({ tools }) => tools.set({ isNeighboursShown: !tools.state.isNeighboursShown }),
    why: (bench) => needsPatch(bench) ?? (bench.advice.neighbourCount() ? null : t("No patch beside this one is approved yet.")),
    isOn: ({ tools }) => tools.state.isNeighboursShown,
  },
  {
    id: "bands",
    group: "view",
    label: t("Next band combination"),
    keys: ["Shift+D"],
    run: (bench) => bench.tools.set({ composite: nextOf(shownComposites(bench), bench.tools.state.composite) }),
    why: (bench) => (shownComposites(bench).length > 1 ? null : t("The scene has no band for near infrared.")),
  },
  {
    id: "badImagery",
    group: "patch",
    label: t("Bad imagery …"),
    keys: ["Shift+Q"],
    run: ({ advice }) => advice.reportImagery(),
    why: needsRest,
  },
];

/** @param {Bench} bench */
function shownComposites({ scenes, tools }) {
  return compositesOf(scenes.find(({ id }) => id === tools.state.sceneId) ?? null);
}
