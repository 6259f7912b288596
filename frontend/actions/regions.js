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
 * Two passes (Rosenfeld and Pfaltz 1966): each pixel takes the name of the one above or before it, and names that meet
 * become one.
 *
 * @param {Mask} mask
 * @param {number | null} [value] only the regions of this class
 * @returns {Regions} numbered by their first pixels
 */
export function regionsOf(mask, value = null) {
  const names = new Int32Array(PIXEL_COUNT).fill(-1);
  const sameAs = new Int32Array(PIXEL_COUNT);
  let nameCount = 0;
  for (let i = 0; i < PIXEL_COUNT; i++) {
    const own = mask[i];
    if (value !== null && own !== value) continue;
    const above = i >= SIZE_PX && mask[i - SIZE_PX] === own ? nameIn(names, i - SIZE_PX) : -1;
    const before = i % SIZE_PX && mask[i - 1] === own ? nameIn(names, i - 1) : -1;
    if (above < 0 && before < 0) {
      sameAs[nameCount] = nameCount;
      names[i] = nameCount++;
    } else if (above < 0 || before < 0 || above === before) names[i] = Math.max(above, before);
    else names[i] = joined(sameAs, above, before);
  }
  const labels = new Int32Array(nameCount);
  let count = 0;
  // A name is the same as an earlier one or as itself, so that one pass settles all.
  for (let name = 0; name < nameCount; name++) labels[name] = sameAs[name] === name ? count++ : nameIn(labels, nameIn(sameAs, name));
  for (let i = 0; i < PIXEL_COUNT; i++) if (names[i] !== -1) names[i] = nameIn(labels, nameIn(names, i));
  return { labels: names, count };
}

/**
 * @param {Int32Array} names
 * @param {number} i
 */
function nameIn(names, i) {
  return /** @type {number} */ (names[i]);
}

/**
 * @param {Int32Array} sameAs changed in place
 * @param {number} a
 * @param {number} b
 * @returns {number} the name that both have from now on: the earliest
 */
function joined(sameAs, a, b) {
  const [rootA, rootB] = [rootOf(sameAs, a), rootOf(sameAs, b)];
  const root = Math.min(rootA, rootB);
  sameAs[Math.max(rootA, rootB)] = root;
  return root;
}

/**
 * @param {Int32Array} sameAs names on the way are led to the root's half as far off
 * @param {number} name
 */
function rootOf(sameAs, name) {
  let at = name;
  while (sameAs[at] !== at) {
    sameAs[at] = nameIn(sameAs, nameIn(sameAs, at));
    at = nameIn(sameAs, at);
  }
  return at;
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
