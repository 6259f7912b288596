/**
 * What the annotator holds in the hand: mode, class, brush size, what is shown. Kept apart from the history, so
 * that undo never changes the chosen class, and remembered in this browser.
 *
 * @import {LabelClass} from "../api/types.js"
 */
import { MAX_SIZE, MIN_SIZE } from "../actions/brush.js";
import { Store } from "./store.js";

/**
 * @typedef {object} Tools
 * @property {string} mode
 * @property {number} value the chosen class
 * @property {number} sizePx the brush's diameter in patch pixels
 * @property {number} opacity of the mask, 0 to 1
 * @property {boolean} isMaskHidden
 * @property {boolean} isEntropyShown
 * @property {boolean} hasOutline polygons are outlined with the boundary class
 * @property {number | null} sceneId the scene that is looked at
 */

const KEY = "milpa.tools";
/** @type {(keyof Tools)[]} */
const REMEMBERED = ["sizePx", "opacity", "hasOutline"];

/**
 * @param {LabelClass[]} legend
 * @param {Pick<Storage, "getItem" | "setItem"> | null} storage
 * @returns {Store<Tools>}
 */
export function createTools(legend, storage) {
  const first = legend.find((one) => !one.is_null && !one.is_boundary) ?? legend.find((one) => !one.is_null);
  /** @type {Store<Tools>} */
  const tools = new Store({
    mode: "brush",
    value: first?.value ?? 1,
    sizePx: 8,
    opacity: 0.55,
    isMaskHidden: false,
    isEntropyShown: false,
    hasOutline: true,
    sceneId: null,
    ...remembered(storage),
  });
  tools.subscribe((state, changed) => {
    if (changed === state || !REMEMBERED.some((key) => key in changed)) return;
    try {
      storage?.setItem(KEY, JSON.stringify(Object.fromEntries(REMEMBERED.map((key) => [key, state[key]]))));
    } catch {
      // A browser that keeps nothing only forgets the brush size.
    }
  });
  return tools;
}

/**
 * @param {Pick<Storage, "getItem" | "setItem"> | null} storage
 * @returns {Partial<Tools>}
 */
function remembered(storage) {
  try {
    const stored = JSON.parse(storage?.getItem(KEY) ?? "{}");
    /** @type {Partial<Tools>} */
    const tools = {};
    if (Number.isFinite(stored.sizePx)) tools.sizePx = clampSize(stored.sizePx);
    if (Number.isFinite(stored.opacity)) tools.opacity = clampOpacity(stored.opacity);
    if (typeof stored.hasOutline === "boolean") tools.hasOutline = stored.hasOutline;
    return tools;
  } catch {
    return {};
  }
}

/** @param {number} sizePx */
export function clampSize(sizePx) {
  return Math.max(MIN_SIZE, Math.min(MAX_SIZE, Math.round(sizePx)));
}

/**
 * Fine steps for fine brushes, coarse ones for coarse brushes.
 *
 * @param {number} sizePx
 * @param {1 | -1} direction
 */
export function nextSize(sizePx, direction) {
  const step = Math.max(1, Math.round(sizePx * 0.2));
  return clampSize(sizePx + direction * step);
}

/** @param {number} opacity */
export function clampOpacity(opacity) {
  return Math.round(Math.max(0.1, Math.min(1, opacity)) * 20) / 20;
}
