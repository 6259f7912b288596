/**
 * What the mask holds at this moment: each class's share, the regions and hectares of the class under work, what
 * drawing may overwrite, and the class under the pointer.
 *
 * @import {LabelClass} from "../api/types.js"
 * @import {EditorDocument} from "../state/document.js"
 * @import {Store} from "../state/store.js"
 * @import {Tools} from "../state/tools.js"
 */
import { extentOf, rowAreasM2 } from "../guidance/ground.js";
import { number, percent, t, tn } from "../i18n.js";
import { asksForPoints } from "../state/asked_points.js";
import { whenIdle } from "../pace.js";
import { PIXEL_COUNT, UNSURE, countByClass } from "../state/mask.js";
import { find } from "./elements.js";

/**
 * @param {LabelClass[]} legend
 * @returns {(value: number) => string}
 */
export function namesOf(legend) {
  return (value) => (value === UNSURE ? t("unsure") : (legend.find((one) => one.value === value)?.name ?? t("class {value}", { value })));
}

/**
 * @param {object} parts
 * @param {EditorDocument} parts.document
 * @param {Store<Tools>} parts.tools
 * @param {LabelClass[]} parts.legend
 */
export function showWork({ document, tools, legend }) {
  const nameOf = namesOf(legend);
  /** @type {{y: number, z: number, areasM2: Float64Array} | null} */
  let ground = null;

  const refresh = () => {
    const mask = document.current();
    const { patch } = document;
    const counts = mask ? countByClass(mask) : new Map();
    for (const output of globalThis.document.querySelectorAll("[data-share]")) {
      output.textContent = mask ? shareOf(counts.get(Number(output.getAttribute("data-share"))) ?? 0) : "";
    }
    if (!mask || !patch) {
      find("#extent").textContent = "";
      return;
    }
    if (asksForPoints(patch)) {
      // Cells here and there have no regions and no area.
      find("#extent").textContent = "";
      return;
    }
    if (ground?.y !== patch.y || ground.z !== patch.z) ground = { y: patch.y, z: patch.z, areasM2: rowAreasM2(patch) };
    const { value } = tools.state;
    const { regions, hectares } = extentOf(mask, value, ground.areasM2);
    const hectaresText = number(hectares, hectares < 10 ? 2 : 1);
    find("#extent").textContent = tn("{name}: {count} region, {hectares} ha", "{name}: {count} regions, {hectares} ha", regions, {
      name: nameOf(value),
      hectares: hectaresText,
    });
  };
  const queue = whenIdle(refresh, () => document.isDrawing());
  document.subscribe((event) => {
    if (event.type !== "pixels" && event.type !== "saved") queue();
  });
  tools.subscribe((state, changed) => {
    if ("value" in changed) queue();
    if (!("locked" in changed) && !("only" in changed)) return;
    const locked = state.locked.map(nameOf).join(", ");
    const sentences = [
      locked && t("Locked: {names}.", { names: locked }),
      state.only !== null && t("Drawing changes only “{name}”.", { name: nameOf(state.only) }),
    ];
    const line = find("#limits");
    line.textContent = sentences.filter(Boolean).join(" ");
    line.hidden = !line.textContent;
  });
}

/** @param {number} pixels */
function shareOf(pixels) {
  const share = pixels / PIXEL_COUNT;
  if (pixels && share < 0.001) return `< ${percent(0.001, 1)}`;
  return percent(share, share && share < 0.9995 ? 1 : 0);
}
