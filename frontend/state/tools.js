/**
 * What the annotator holds in the hand: mode, class, brush size, what is shown. Kept apart from the history, so
 * that undo never changes the chosen class, and remembered in this browser.
 *
 * @import {LabelClass} from "../api/types.js"
 */
import { MAX_PEN, MIN_PEN } from "../actions/boundary.js";
import { MAX_SIZE, MIN_SIZE } from "../actions/brush.js";
import { MAX_TOLERANCE, MIN_TOLERANCE } from "../actions/look_alike.js";
import { Store } from "./store.js";

/**
 * @typedef {"fill" | "pattern" | "outline"} MaskStyle
 * @typedef {"off" | "swipe" | "flicker"} Comparison of the scene that is looked at with the next date
 *
 * @typedef {object} Tools
 * @property {string} mode
 * @property {number} value the chosen class
 * @property {number} sizePx the brush's diameter in patch pixels
 * @property {number} penPx the boundary pen's width
 * @property {number} tolerance how far colours that look alike may lie apart
 * @property {readonly number[]} locked classes that no drawing overwrites
 * @property {number | null} only the one class that drawing overwrites
 * @property {number} opacity of the mask, 0 to 1
 * @property {MaskStyle} style
 * @property {number} brightness of the imagery, in per cent of what the server sends
 * @property {number} contrast likewise
 * @property {Comparison} comparison
 * @property {boolean} isMaskHidden
 * @property {boolean} isEntropyShown
 * @property {boolean} isNeighboursShown approved masks around the patch
 * @property {boolean} hasOutline polygons are outlined with the boundary class
 * @property {number | null} sceneId the scene that is looked at
 * @property {string} composite its band combination
 * @property {string | null} comparedWith the scene and band combination beside it, null for the next
 */

const KEY = "milpa.tools";
/** @type {(keyof Tools)[]} */
const REMEMBERED = ["sizePx", "penPx", "tolerance", "opacity", "style", "hasOutline", "isNeighboursShown"];
/** @type {readonly MaskStyle[]} */
export const MASK_STYLES = ["fill", "pattern", "outline"];
/** @type {readonly Comparison[]} */
export const COMPARISONS = ["off", "swipe", "flicker"];

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
    penPx: 1,
    tolerance: 8,
    locked: [],
    only: null,
    opacity: 0.55,
    style: "fill",
    brightness: 100,
    contrast: 100,
    comparison: "off",
    isMaskHidden: false,
    isEntropyShown: false,
    isNeighboursShown: true,
    hasOutline: true,
    sceneId: null,
    composite: "natural",
    comparedWith: null,
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
    if (Number.isFinite(stored.penPx)) tools.penPx = clampPen(stored.penPx);
    if (Number.isFinite(stored.tolerance)) tools.tolerance = clampTolerance(stored.tolerance);
    if (MASK_STYLES.includes(stored.style)) tools.style = stored.style;
    if (Number.isFinite(stored.opacity)) tools.opacity = clampOpacity(stored.opacity);
    if (typeof stored.hasOutline === "boolean") tools.hasOutline = stored.hasOutline;
    if (typeof stored.isNeighboursShown === "boolean") tools.isNeighboursShown = stored.isNeighboursShown;
    return tools;
  } catch {
    return {};
  }
}

/** @param {number} sizePx */
export function clampSize(sizePx) {
  return Math.max(MIN_SIZE, Math.min(MAX_SIZE, Math.round(sizePx)));
}

/** @param {number} penPx */
export function clampPen(penPx) {
  return Math.max(MIN_PEN, Math.min(MAX_PEN, Math.round(penPx)));
}

/** @param {number} tolerance */
export function clampTolerance(tolerance) {
  return Math.max(MIN_TOLERANCE, Math.min(MAX_TOLERANCE, Math.round(tolerance)));
}

/** @param {number} percent of the imagery's own brightness or contrast */
export function clampLook(percent) {
  return Math.max(40, Math.min(250, Math.round(percent / 10) * 10));
}

/**
 * One step wider or narrower for what is in the hand: the pen's width, the look-alike fill's tolerance, the brush's
 * size in fine steps for fine brushes and coarse ones for coarse brushes.
 *
 * @param {Tools} state
 * @param {1 | -1} direction
 * @returns {Partial<Tools>}
 */
export function resized({ mode, sizePx, penPx, tolerance }, direction) {
  if (mode === "pen") return { penPx: clampPen(penPx + direction) };
  if (mode === "alike") return { tolerance: clampTolerance(tolerance + direction) };
  return { sizePx: clampSize(sizePx + direction * Math.max(1, Math.round(sizePx * 0.2))) };
}

/**
 * @template T
 * @param {readonly T[]} all
 * @param {T} now
 * @returns {T} the one after it, round and round
 */
export function nextOf(all, now) {
  return /** @type {T} */ (all[(all.indexOf(now) + 1) % all.length]);
}

/** @param {number} opacity */
export function clampOpacity(opacity) {
  return Math.round(Math.max(0.1, Math.min(1, opacity)) * 20) / 20;
}
