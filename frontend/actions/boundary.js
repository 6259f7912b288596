/**
 * The boundary pen: a thin line that splits a region.
 *
 * @import {Mask, Point} from "../state/mask.js"
 */
import { SIZE_PX, isInside } from "../state/mask.js";
import { brushStroke } from "./brush.js";

export const MIN_PEN = 1;
export const MAX_PEN = 3;

/** How far an end of the line reaches for what closes the gap, in pixels. */
const REACH_PX = 4;

/**
 * @param {Mask} mask
 * @param {Point[]} path
 * @param {number} widthPx
 * @param {number} boundaryValue
 * @returns {Mask} a new mask, or the same one for a path without points
 */
export function drawBoundary(mask, path, widthPx, boundaryValue) {
  if (!path.length) return mask;
  return brushStroke(mask, joined(mask, path, boundaryValue), widthPx, boundaryValue);
}

/**
 * A line that stops just short of another boundary, or of the patch's rim, would split nothing: its ends reach the
 * last pixels.
 *
 * @param {Mask} mask
 * @param {Point[]} path
 * @param {number} boundaryValue
 * @returns {Point[]}
 */
function joined(mask, path, boundaryValue) {
  const [first, last] = [/** @type {Point} */ (path[0]), /** @type {Point} */ (path.at(-1))];
  const before = nearestEnd(mask, first, boundaryValue);
  const after = path.length > 1 ? nearestEnd(mask, last, boundaryValue) : null;
  return [...(before ? [before] : []), ...path, ...(after ? [after] : [])];
}

/**
 * @param {Mask} mask
 * @param {Point} at
 * @param {number} boundaryValue
 * @returns {Point | null} the nearest boundary pixel, or one of the rim, within reach
 */
function nearestEnd(mask, at, boundaryValue) {
  const [x, y] = [Math.floor(at.x), Math.floor(at.y)];
  if (!isInside(x, y) || mask[y * SIZE_PX + x] === boundaryValue) return null;
  /** @type {Point | null} */
  let nearest = null;
  let shortest = REACH_PX + 1e-9;
  for (let row = y - REACH_PX; row <= y + REACH_PX; row++) {
    for (let column = x - REACH_PX; column <= x + REACH_PX; column++) {
      if (!isInside(column, row)) continue;
      const isRim = column === 0 || row === 0 || column === SIZE_PX - 1 || row === SIZE_PX - 1;
      const distance = Math.hypot(column - x, row - y);
      if (distance > shortest || (!isRim && mask[row * SIZE_PX + column] !== boundaryValue)) continue;
      shortest = distance;
      nearest = { x: column + 0.5, y: row + 0.5 };
    }
  }
  return nearest;
}
