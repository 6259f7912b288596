/**
 * Regions: pixels of one class that are joined by their sides; and merging two of them.
 *
 * @import {Mask, Point} from "../state/mask.js"
 */
import { t } from "../i18n.js";
import { PIXEL_COUNT, SIZE_PX, isInside } from "../state/mask.js";

/** @typedef {{labels: Int32Array<ArrayBuffer>, count: number}} Regions the region of each pixel, -1 outside of all */

/** The widest boundary that merging removes, in pixels. */
const WIDEST_PX = 12;

/**
 * @param {Mask} mask
 * @param {number | null} [value] only the regions of this class
 * @returns {Regions}
 */
export function regionsOf(mask, value = null) {
  const labels = new Int32Array(PIXEL_COUNT).fill(-1);
  const stack = new Int32Array(PIXEL_COUNT);
  let count = 0;
  for (let first = 0; first < PIXEL_COUNT; first++) {
    const own = mask[first];
    if (labels[first] !== -1 || (value !== null && own !== value)) continue;
    let top = 1;
    stack[0] = first;
    labels[first] = count;
    const join = (/** @type {number} */ next) => {
      if (labels[next] !== -1 || mask[next] !== own) return;
      labels[next] = count;
      stack[top++] = next;
    };
    while (top) {
      const i = /** @type {number} */ (stack[--top]);
      const x = i % SIZE_PX;
      if (x > 0) join(i - 1);
      if (x < SIZE_PX - 1) join(i + 1);
      if (i >= SIZE_PX) join(i - SIZE_PX);
      if (i < PIXEL_COUNT - SIZE_PX) join(i + SIZE_PX);
    }
    count++;
  }
  return { labels, count };
}

/**
 * Makes one region of two: the boundary between them goes, and the second takes the first one's class. Boundary that
 * keeps a third region apart stays.
 *
 * @param {Mask} mask
 * @param {Point} a in the region whose class stays
 * @param {Point} b in the other
 * @param {number | null} boundaryValue
 * @returns {{mask: Mask} | {why: string}}
 */
export function mergeRegions(mask, a, b, boundaryValue) {
  if (!isInside(a.x, a.y) || !isInside(b.x, b.y)) return { why: t("Both regions must lie in the patch.") };
  const { labels } = regionsOf(mask);
  const indexOf = (/** @type {Point} */ { x, y }) => Math.floor(y) * SIZE_PX + Math.floor(x);
  const [first, second] = [indexOf(a), indexOf(b)];
  const [labelA, labelB] = [/** @type {number} */ (labels[first]), /** @type {number} */ (labels[second])];
  if (labelA === labelB) return { why: t("Both clicks hit the same region: click its neighbour.") };
  if (mask[first] === boundaryValue || mask[second] === boundaryValue) return { why: t("That is the boundary: click the regions on both sides of it.") };
  const value = /** @type {number} */ (mask[first]);
  const merged = mask.slice();
  for (let i = 0; i < PIXEL_COUNT; i++) if (labels[i] === labelB) merged[i] = value;
  for (const i of between(mask, labels, labelA, labelB, boundaryValue)) {
    const guarded = around(i, false).some((next) => mask[next] === value && labels[next] !== labelA && labels[next] !== labelB);
    if (!guarded) merged[i] = value;
  }
  const joined = regionsOf(merged, value).labels;
  if (joined[first] !== joined[second]) return { why: t("These two regions have no boundary in common.") };
  return { mask: merged };
}

/**
 * The boundary's pixels on short ways from one region to the other.
 *
 * @param {Mask} mask
 * @param {Int32Array} labels
 * @param {number} labelA
 * @param {number} labelB
 * @param {number | null} boundaryValue
 * @returns {number[]}
 */
function between(mask, labels, labelA, labelB, boundaryValue) {
  if (boundaryValue === null) return [];
  const fromA = stepsFrom(mask, labels, labelA, boundaryValue);
  const fromB = stepsFrom(mask, labels, labelB, boundaryValue);
  const found = [];
  let shortest = WIDEST_PX + 1;
  for (const [i, steps] of fromA) {
    const sum = steps + (fromB.get(i) ?? Infinity);
    if (sum > WIDEST_PX + 1) continue;
    found.push({ i, sum });
    shortest = Math.min(shortest, sum);
  }
  // A line of uneven width is removed as a whole.
  return found.filter(({ sum }) => sum <= shortest + 2).map(({ i }) => i);
}

/**
 * How many boundary pixels lie on the way from a region, its own pixel included; corners join.
 *
 * @param {Mask} mask
 * @param {Int32Array} labels
 * @param {number} label
 * @param {number} boundaryValue
 * @returns {Map<number, number>}
 */
function stepsFrom(mask, labels, label, boundaryValue) {
  /** @type {Map<number, number>} */
  const steps = new Map();
  let rim = [];
  for (let i = 0; i < PIXEL_COUNT; i++) if (labels[i] === label) rim.push(i);
  for (let step = 1; step <= WIDEST_PX && rim.length; step++) {
    const next = [];
    for (const i of rim) {
      for (const j of around(i, true)) {
        if (mask[j] !== boundaryValue || steps.has(j)) continue;
        steps.set(j, step);
        next.push(j);
      }
    }
    rim = next;
  }
  return steps;
}

/**
 * @param {number} i
 * @param {boolean} hasCorners
 * @returns {number[]} the pixels around one
 */
function around(i, hasCorners) {
  const x = i % SIZE_PX;
  const y = (i - x) / SIZE_PX;
  const found = [];
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      const isSide = Math.abs(dx) + Math.abs(dy) === 1;
      if ((isSide || (hasCorners && dx && dy)) && isInside(x + dx, y + dy)) found.push(i + dy * SIZE_PX + dx);
    }
  }
  return found;
}
