/**
 * Painting what looks alike in the imagery: the smart brush and the look-alike fill.
 *
 * @import {Colours} from "../vision/colour.js"
 * @import {Edges} from "../vision/edges.js"
 * @import {Superpixels} from "../vision/superpixels.js"
 * @import {Mask, Point, Rect} from "../state/mask.js"
 */
import { PIXEL_COUNT, SIZE_PX, isInside } from "../state/mask.js";
import { squaredDistance } from "../vision/colour.js";

export const MIN_TOLERANCE = 1;
export const MAX_TOLERANCE = 40;

/** A border with this mean edge strength stops the smart brush; a pixel with this one stops the fill. */
const WALL = 150;

/**
 * Superpixels that look like the one under the point, are joined to it without crossing an edge, and have their
 * centres under the brush.
 *
 * @param {Superpixels} superpixels
 * @param {Point} at
 * @param {number} sizePx the brush's diameter
 * @param {number} tolerance how far colours may lie apart (OKLab times 100)
 * @returns {number[]} none outside the patch
 */
export function lookAlikes(superpixels, at, sizePx, tolerance) {
  if (!isInside(at.x, at.y)) return [];
  const { labels, colours, centres, neighbours, neighbourStarts, borders } = superpixels;
  const start = /** @type {number} */ (labels[Math.floor(at.y) * SIZE_PX + Math.floor(at.x)]);
  const found = new Set([start]);
  for (const label of found) {
    const to = /** @type {number} */ (neighbourStarts[label + 1]);
    for (let k = /** @type {number} */ (neighbourStarts[label]); k < to; k++) {
      const next = /** @type {number} */ (neighbours[k]);
      const [x, y] = [/** @type {number} */ (centres[2 * next]), /** @type {number} */ (centres[2 * next + 1])];
      if (Math.hypot(x - at.x, y - at.y) > sizePx / 2) continue;
      if (/** @type {number} */ (borders[k]) > WALL || squaredDistance(colours, next, colours, start) > tolerance ** 2) continue;
      found.add(next);
    }
  }
  return [...found];
}

/**
 * @param {Mask} mask changed in place
 * @param {Superpixels} superpixels
 * @param {number[]} chosen
 * @param {number} value
 * @returns {Rect | null} where pixels may have changed
 */
export function stampSuperpixels(mask, { pixels, pixelStarts }, chosen, value) {
  let [x0, y0, x1, y1] = [SIZE_PX, SIZE_PX, 0, 0];
  for (const label of chosen) {
    const to = /** @type {number} */ (pixelStarts[label + 1]);
    for (let k = /** @type {number} */ (pixelStarts[label]); k < to; k++) {
      const i = /** @type {number} */ (pixels[k]);
      const x = i % SIZE_PX;
      const y = (i - x) / SIZE_PX;
      mask[i] = value;
      [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
    }
  }
  return x0 < x1 ? { x0, y0, x1, y1 } : null;
}

/**
 * Gives a class to the pixels that look like the one under the point and are joined to it by their sides, up to the
 * edges of the imagery.
 *
 * @param {Mask} mask
 * @param {{colours: Colours, edges: Edges}} imagery
 * @param {Point} at
 * @param {number} tolerance
 * @param {number} value
 * @returns {Mask} a new mask, or the same one outside the patch
 */
export function fillLookAlikes(mask, { colours, edges }, at, tolerance, value) {
  if (!isInside(at.x, at.y)) return mask;
  const start = Math.floor(at.y) * SIZE_PX + Math.floor(at.x);
  const filled = mask.slice();
  const isSeen = new Uint8Array(PIXEL_COUNT);
  const stack = [start];
  isSeen[start] = 1;
  const visit = (/** @type {number} */ i) => {
    if (isSeen[i] || squaredDistance(colours, i, colours, start) > tolerance ** 2) return;
    isSeen[i] = 1;
    stack.push(i);
  };
  while (stack.length) {
    const i = /** @type {number} */ (stack.pop());
    filled[i] = value;
    // The edge itself is painted, so that no seam stays; beyond it nothing is.
    if (i !== start && /** @type {number} */ (edges[i]) > WALL) continue;
    const x = i % SIZE_PX;
    if (x > 0) visit(i - 1);
    if (x < SIZE_PX - 1) visit(i + 1);
    if (i >= SIZE_PX) visit(i - SIZE_PX);
    if (i < PIXEL_COUNT - SIZE_PX) visit(i + SIZE_PX);
  }
  return filled;
}
