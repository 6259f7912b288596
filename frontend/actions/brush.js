/**
 * The brush and, with the null class, the eraser.
 *
 * @import {Mask, Point, Rect} from "../state/mask.js"
 */
import { SIZE_PX, isInside, union } from "../state/mask.js";

export const MIN_SIZE = 1;
export const MAX_SIZE = 64;

/**
 * Paints every pixel whose centre lies within half a brush of the line from `from` to `to`, in place: the step
 * that a stroke is made of. The line itself is always painted, so that a brush of one pixel leaves no gap.
 *
 * @param {Mask} mask changed in place
 * @param {Point} from
 * @param {Point} to
 * @param {number} sizePx the brush's diameter
 * @param {number} value
 * @returns {Rect | null} where pixels may have changed
 */
export function stampSegment(mask, from, to, sizePx, value) {
  const round = sizePx > 1 ? stampCapsule(mask, from, to, sizePx / 2, value) : null;
  return union(round, stampLine(mask, from, to, value));
}

/**
 * @param {Mask} mask
 * @param {Point[]} path
 * @param {number} sizePx
 * @param {number} value
 * @returns {Mask} a new mask
 */
export function brushStroke(mask, path, sizePx, value) {
  const painted = mask.slice();
  path.forEach((point, i) => stampSegment(painted, path[i - 1] ?? point, point, sizePx, value));
  return painted;
}

/**
 * @param {Mask} mask
 * @param {Point} from
 * @param {Point} to
 * @param {number} radius
 * @param {number} value
 * @returns {Rect | null}
 */
function stampCapsule(mask, from, to, radius, value) {
  const x0 = Math.max(0, Math.floor(Math.min(from.x, to.x) - radius));
  const y0 = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius));
  const x1 = Math.min(SIZE_PX, Math.ceil(Math.max(from.x, to.x) + radius));
  const y1 = Math.min(SIZE_PX, Math.ceil(Math.max(from.y, to.y) + radius));
  if (x0 >= x1 || y0 >= y1) return null;
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const lengthSquared = dx * dx + dy * dy;
  const radiusSquared = radius * radius;
  for (let row = y0; row < y1; row++) {
    const py = row + 0.5 - from.y;
    for (let column = x0; column < x1; column++) {
      const px = column + 0.5 - from.x;
      const along = lengthSquared ? Math.max(0, Math.min(1, (px * dx + py * dy) / lengthSquared)) : 0;
      const ex = px - along * dx;
      const ey = py - along * dy;
      if (ex * ex + ey * ey <= radiusSquared) mask[row * SIZE_PX + column] = value;
    }
  }
  return { x0, y0, x1, y1 };
}

/**
 * @param {Mask} mask
 * @param {Point} from
 * @param {Point} to
 * @param {number} value
 * @returns {Rect | null}
 */
function stampLine(mask, from, to, value) {
  const steps = Math.max(1, Math.ceil(Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y))));
  /** @type {Rect | null} */
  let rect = null;
  for (let i = 0; i <= steps; i++) {
    const x = Math.floor(from.x + ((to.x - from.x) * i) / steps);
    const y = Math.floor(from.y + ((to.y - from.y) * i) / steps);
    if (!isInside(x, y)) continue;
    mask[y * SIZE_PX + x] = value;
    rect = union(rect, { x0: x, y0: y, x1: x + 1, y1: y + 1 });
  }
  return rect;
}
