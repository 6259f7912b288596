/**
 * What changed between two masks, class by class.
 *
 * @import {Mask} from "../state/mask.js"
 */
import { PIXEL_COUNT, SIZE_PX } from "../state/mask.js";

const M2_A_HECTARE = 10_000;

/**
 * @param {Mask} before
 * @param {Mask} after
 * @param {Float64Array} areasM2 of a pixel, by row
 * @returns {{from: number, to: number, pixels: number, hectares: number}[]} the most pixels first
 */
export function changesBetween(before, after, areasM2) {
  /** @type {Map<number, {from: number, to: number, pixels: number, hectares: number}>} */
  const changes = new Map();
  for (let i = 0; i < PIXEL_COUNT; i++) {
    const [from, to] = [/** @type {number} */ (before[i]), /** @type {number} */ (after[i])];
    if (from === to) continue;
    const key = from * 256 + to;
    const change = changes.get(key) ?? { from, to, pixels: 0, hectares: 0 };
    change.pixels += 1;
    change.hectares += /** @type {number} */ (areasM2[Math.floor(i / SIZE_PX)]) / M2_A_HECTARE;
    changes.set(key, change);
  }
  return [...changes.values()].sort((a, b) => b.pixels - a.pixels || a.from - b.from || a.to - b.to);
}
