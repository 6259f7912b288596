/**
 * Flood fill: gives one connected region another class.
 *
 * @import {Mask, Point} from "../state/mask.js"
 */
import { SIZE_PX, isInside } from "../state/mask.js";

/**
 * The region is joined by its pixels' sides, so a boundary drawn as a diagonal line of pixels holds it.
 *
 * @param {Mask} mask
 * @param {Point} at
 * @param {number} value
 * @returns {Mask} a new mask, or the same one when there is nothing to change
 */
export function floodFill(mask, at, value) {
  const x = Math.floor(at.x);
  const y = Math.floor(at.y);
  if (!isInside(x, y)) return mask;
  const old = mask[y * SIZE_PX + x];
  if (old === value) return mask;
  const filled = mask.slice();
  /** @type {number[]} */
  const seeds = [y * SIZE_PX + x];
  while (seeds.length) {
    const seed = /** @type {number} */ (seeds.pop());
    if (filled[seed] !== old) continue;
    const rowStart = seed - (seed % SIZE_PX);
    let from = seed;
    while (from > rowStart && filled[from - 1] === old) from--;
    let to = seed;
    while (to < rowStart + SIZE_PX - 1 && filled[to + 1] === old) to++;
    filled.fill(value, from, to + 1);
    for (const next of [-SIZE_PX, SIZE_PX]) {
      let open = false;
      for (let i = from + next; i <= to + next; i++) {
        const matches = i >= 0 && i < filled.length && filled[i] === old;
        if (matches && !open) seeds.push(i);
        open = matches;
      }
    }
  }
  return filled;
}
