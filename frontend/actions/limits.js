/**
 * What drawing may overwrite: never a locked class, and only one class where the annotator says so.
 *
 * @import {Mask, Rect} from "../state/mask.js"
 */
import { SIZE_PX, wholePatch } from "../state/mask.js";

/** @typedef {{locked: readonly number[], only: number | null}} Limits class values */

/** @type {Limits} */
export const NO_LIMITS = { locked: [], only: null };

/**
 * @param {Limits} limits
 * @param {number} value the class that a pixel has
 */
export function mayOverwrite({ locked, only }, value) {
  return !locked.includes(value) && (only === null || only === value);
}

/**
 * Takes back what the limits forbid, in place.
 *
 * @param {Mask} before
 * @param {Mask} drawn changed in place
 * @param {Limits} limits
 * @param {Rect} [rect] where `drawn` may differ
 */
export function obeyInPlace(before, drawn, limits, rect = wholePatch()) {
  if (!limits.locked.length && limits.only === null) return;
  const isFree = Array.from({ length: 256 }, (_, value) => mayOverwrite(limits, value));
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let i = y * SIZE_PX + rect.x0; i < y * SIZE_PX + rect.x1; i++) {
      const old = /** @type {number} */ (before[i]);
      if (!isFree[old]) drawn[i] = old;
    }
  }
}

/**
 * @param {Mask} before
 * @param {Mask} drawn
 * @param {Limits} limits
 * @returns {Mask} a new mask, or `drawn` itself when there is nothing to obey
 */
export function obeying(before, drawn, limits) {
  if (!limits.locked.length && limits.only === null) return drawn;
  const obedient = drawn.slice();
  obeyInPlace(before, obedient, limits);
  return obedient;
}
