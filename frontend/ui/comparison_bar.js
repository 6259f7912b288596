/**
 * Comparing the shown scene with another date or band combination: what is compared, and the slider of the swipe.
 *
 * @import {Scene} from "../api/types.js"
 * @import {PatchView} from "../map/patch_view.js"
 * @import {EditorDocument} from "../state/document.js"
 * @import {Store} from "../state/store.js"
 * @import {Comparison as How, Tools} from "../state/tools.js"
 */
import { t } from "../i18n.js";
import { Comparison } from "../map/comparison.js";
import { compositeName, compositesOf, inComposite, sceneTitle } from "../map/imagery.js";
import { find, make } from "./elements.js";

/** @typedef {{key: string, scene: Scene, composite: string, title: string}} Look a scene in a band combination */

/**
 * @param {object} parts
 * @param {PatchView} parts.view
 * @param {Store<Tools>} parts.tools
 * @param {EditorDocument} parts.document
 * @param {Scene[]} parts.scenes
 */
export function bindComparison({ view, tools, document, scenes }) {
  const comparison = new Comparison(view);
  const looks = scenes.flatMap(looksOf);
  const swipe = /** @type {HTMLInputElement} */ (find("#swipe"));
  const select = make("select", { id: "compared", "aria-label": t("Compared with") });
  find("#comparison").append(select);
  swipe.addEventListener("input", () => comparison.swipeTo(Number(swipe.value) / 100));
  select.addEventListener("change", () => {
    tools.set({ comparedWith: select.value });
    select.blur();
  });
  const refresh = () => {
    const { comparison: how, sceneId, composite, comparedWith } = tools.state;
    const shown = looks.find((look) => look.scene.id === sceneId && look.composite === composite) ?? looks.find(({ scene }) => scene.id === sceneId);
    const others = looks.filter((look) => look !== shown);
    const other = others.find(({ key }) => key === comparedWith) ?? nextLook(looks, shown) ?? null;
    const isOn = how !== "off" && document.patch !== null && other !== null;
    comparison.show(isOn ? how : "off", other && inComposite(other.scene, other.composite), document.patch?.z ?? 0);
    find("#comparison").hidden = !isOn;
    swipe.hidden = how !== "swipe";
    if (!shown || !other) return;
    select.replaceChildren(...others.map(({ key, title }) => make("option", { value: key, selected: key === other.key }, title)));
    select.hidden = others.length < 2;
    find("#comparison-text").textContent = textOf(how, shown.title, other.title);
  };
  tools.subscribe((_, changed) => {
    if (["sceneId", "composite", "comparison", "comparedWith"].some((name) => name in changed)) refresh();
  });
  document.subscribe((event) => {
    if (event.type === "opened" || event.type === "closed") refresh();
  });
}

/**
 * @param {Scene} scene
 * @returns {Look[]}
 */
function looksOf(scene) {
  return compositesOf(scene).map((composite) => {
    const name = composite === "natural" ? "" : ` · ${compositeName(scene, composite)}`;
    return { key: `${scene.id}:${composite}`, scene, composite, title: sceneTitle(scene) + name };
  });
}

/**
 * The next date in the same band combination; with one date alone, its next band combination.
 *
 * @param {Look[]} looks
 * @param {Look | undefined} shown
 * @returns {Look | undefined}
 */
function nextLook(looks, shown) {
  if (!shown) return undefined;
  const from = looks.indexOf(shown) + 1;
  const others = [...looks.slice(from), ...looks.slice(0, from - 1)];
  return others.find(({ scene, composite }) => scene !== shown.scene && composite === shown.composite) ?? others[0];
}

/**
 * @param {How} how
 * @param {string} shown
 * @param {string} other
 */
function textOf(how, shown, other) {
  return how === "swipe" ? t("Left: {shown}. Right: {other}.", { shown, other }) : t("{shown} and {other} in turn.", { shown, other });
}
