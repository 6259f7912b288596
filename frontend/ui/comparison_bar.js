/**
 * Comparing the shown scene with the next date: what is compared, and the slider of the swipe.
 *
 * @import {Scene} from "../api/types.js"
 * @import {PatchView} from "../map/patch_view.js"
 * @import {EditorDocument} from "../state/document.js"
 * @import {Store} from "../state/store.js"
 * @import {Comparison as How, Tools} from "../state/tools.js"
 */
import { Comparison } from "../map/comparison.js";
import { sceneTitle } from "../map/imagery.js";
import { t } from "../i18n.js";
import { nextOf } from "../state/tools.js";
import { find } from "./elements.js";

/**
 * @param {object} parts
 * @param {PatchView} parts.view
 * @param {Store<Tools>} parts.tools
 * @param {EditorDocument} parts.document
 * @param {Scene[]} parts.scenes
 */
export function bindComparison({ view, tools, document, scenes }) {
  const comparison = new Comparison(view);
  const swipe = /** @type {HTMLInputElement} */ (find("#swipe"));
  swipe.addEventListener("input", () => comparison.swipeTo(Number(swipe.value) / 100));
  const refresh = () => {
    const { comparison: how, sceneId } = tools.state;
    const scene = scenes.find(({ id }) => id === sceneId);
    const other = scene && scenes.length > 1 ? nextOf(scenes, scene) : null;
    const isOn = how !== "off" && document.patch !== null && other !== null;
    comparison.show(isOn ? how : "off", other, document.patch?.z ?? 0);
    find("#comparison").hidden = !isOn;
    swipe.hidden = how !== "swipe";
    if (scene && other) find("#comparison-text").textContent = textOf(how, sceneTitle(scene), sceneTitle(other));
  };
  tools.subscribe((_, changed) => {
    if ("sceneId" in changed || "comparison" in changed) refresh();
  });
  document.subscribe((event) => {
    if (event.type === "opened" || event.type === "closed") refresh();
  });
}

/**
 * @param {How} how
 * @param {string} shown
 * @param {string} other
 */
function textOf(how, shown, other) {
  return how === "swipe" ? t("Left: {shown}. Right: {other}.", { shown, other }) : t("{shown} and {other} in turn.", { shown, other });
}
