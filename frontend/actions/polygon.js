/**
 * Filling a polygon, and outlining it with the boundary class so that it stays apart from its neighbours.
 *
 * @import {Mask, Point} from "../state/mask.js"
 */
import { SIZE_PX } from "../state/mask.js";
import { brushStroke } from "./brush.js";

/**
 * Fills the pixels whose centres lie inside the ring by the even-odd rule.
 *
 * @param {Mask} mask
 * @param {Point[]} ring open: the last corner joins the first
 * @param {number} value
 * @returns {Mask} a new mask, or the same one when the ring has no inside
 */
export function fillPolygon(mask, ring, value) {
  return fillRings(mask, [ring], value);
}

/**
 * Fills the pixels whose centres lie inside an odd number of rings: an outer ring with its holes.
 *
 * @param {Mask} mask
 * @param {Point[][]} rings
 * @param {number} value
 * @returns {Mask} a new mask, or the same one when no ring has an inside
 */
export function fillRings(mask, rings, value) {
  const closed = rings.filter((ring) => ring.length >= 3);
  if (!closed.length) return mask;
  const filled = mask.slice();
  const ys = closed.flat().map((corner) => corner.y);
  const first = Math.max(0, Math.floor(ys.reduce((a, b) => Math.min(a, b)) - 0.5));
  const last = Math.min(SIZE_PX - 1, Math.ceil(ys.reduce((a, b) => Math.max(a, b)) - 0.5));
  for (let row = first; row <= last; row++) {
    const crossings = closed.flatMap((ring) => crossingsAt(ring, row + 0.5)).sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(/** @type {number} */ (crossings[i]) - 0.5));
      const to = Math.min(SIZE_PX, Math.ceil(/** @type {number} */ (crossings[i + 1]) - 0.5));
      if (from < to) filled.fill(value, row * SIZE_PX + from, row * SIZE_PX + to);
    }
  }
  return filled;
}

/**
 * @param {Mask} mask
 * @param {Point[]} ring
 * @param {number} value
 * @param {number} boundaryValue
 * @returns {Mask}
 */
export function fillOutlinedPolygon(mask, ring, value, boundaryValue) {
  if (ring.length < 3) return mask;
  return brushStroke(fillPolygon(mask, ring, value), [...ring, /** @type {Point} */ (ring[0])], 1, boundaryValue);
}

/**
 * @param {Point[]} ring
 * @param {number} y
 * @returns {number[]} where the ring's edges cross the row, in no order
 */
function crossingsAt(ring, y) {
  /** @type {number[]} */
  const crossings = [];
  let from = /** @type {Point} */ (ring[ring.length - 1]);
  for (const to of ring) {
    if (to.y > y !== from.y > y) crossings.push(((from.x - to.x) * (y - to.y)) / (from.y - to.y) + to.x);
    from = to;
  }
  return crossings;
}
