/**
 * The parcels that a mask gives at this moment: connected pixels of one class, each with its share of the boundary
 * between it and its neighbours. Areas are those of the WGS 84 ellipsoid.
 *
 * @import {LabelClass} from "../api/types.js"
 * @import {Mask, Point} from "../state/mask.js"
 */
import { regionsOf } from "../actions/regions.js";
import { PIXEL_COUNT, SIZE_PX, UNSURE } from "../state/mask.js";

/**
 * @typedef {object} LiveParcel
 * @property {number} value its class
 * @property {number} pixels without the boundary
 * @property {number} hectares with its share of the boundary
 * @property {Point} at a place inside, near the middle
 * @property {boolean} isCut it reaches the patch's edge and may go on beyond
 */

/** Smaller regions are specks rather than fields; the method counts no object below this size either. */
export const SPECK_PX = 16;
const M2_A_HECTARE = 10_000;

/**
 * @param {Mask} mask
 * @param {LabelClass[]} legend
 * @param {Float64Array} areasM2 of one pixel, by row
 * @returns {LiveParcel[]} the largest first
 */
export function parcelsOf(mask, legend, areasM2) {
  const { labels, count } = regionsOf(mask);
  const isMapped = mappedClasses(legend);
  /** @type {(LiveParcel | null)[]} by region */
  const parcels = new Array(count).fill(null);
  const rowSums = new Float64Array(count);
  eachRun(labels, (label, from, length) => {
    const value = /** @type {number} */ (mask[from]);
    if (!isMapped[value]) return;
    const row = Math.floor(from / SIZE_PX);
    const parcel = (parcels[label] ??= { value, pixels: 0, hectares: 0, at: { x: 0, y: 0 }, isCut: false });
    parcel.pixels += length;
    parcel.hectares += (length * /** @type {number} */ (areasM2[row])) / M2_A_HECTARE;
    parcel.isCut ||= row === 0 || row === SIZE_PX - 1 || from % SIZE_PX === 0 || (from + length) % SIZE_PX === 0;
    rowSums[label] = /** @type {number} */ (rowSums[label]) + length * row;
  });
  const best = new Float64Array(count).fill(-Infinity);
  eachRun(labels, (label, from, length) => {
    const parcel = parcels[label];
    if (!parcel) return;
    const row = Math.floor(from / SIZE_PX);
    // A long row near the middle: a place that lies inside however the field is bent.
    const worth = length - 2 * Math.abs(row - /** @type {number} */ (rowSums[label]) / parcel.pixels);
    if (worth <= /** @type {number} */ (best[label])) return;
    best[label] = worth;
    parcel.at = { x: (from % SIZE_PX) + Math.floor((length - 1) / 2) + 0.5, y: row + 0.5 };
  });
  shareBoundary(mask, labels, legend, (label, row) => {
    const parcel = parcels[label];
    if (parcel) parcel.hectares += /** @type {number} */ (areasM2[row]) / M2_A_HECTARE;
  });
  return parcels.filter((parcel) => parcel !== null).sort((a, b) => b.hectares - a.hectares || b.pixels - a.pixels);
}

/**
 * @param {Int32Array} labels
 * @param {(label: number, from: number, length: number) => void} visit each stretch of one region within a row
 */
function eachRun(labels, visit) {
  for (let end = SIZE_PX; end <= PIXEL_COUNT; end += SIZE_PX) {
    let from = end - SIZE_PX;
    while (from < end) {
      const label = /** @type {number} */ (labels[from]);
      let to = from + 1;
      while (to < end && labels[to] === label) to++;
      visit(label, from, to - from);
      from = to;
    }
  }
}

/**
 * Gives each pixel of the boundary to the nearest parcel by steps over the boundary; the rest of the world takes none.
 *
 * @param {Mask} mask
 * @param {Int32Array} labels
 * @param {LabelClass[]} legend
 * @param {(label: number, row: number) => void} give
 */
function shareBoundary(mask, labels, legend, give) {
  const boundary = legend.find((one) => one.is_boundary)?.value;
  if (boundary === undefined) return;
  const isMapped = mappedClasses(legend);
  const owner = new Int32Array(PIXEL_COUNT).fill(-1);
  const queue = new Int32Array(PIXEL_COUNT);
  let end = 0;
  const claim = (/** @type {number} */ i, /** @type {number} */ label) => {
    if (mask[i] !== boundary || owner[i] !== -1) return;
    owner[i] = label;
    queue[end++] = i;
    give(label, Math.floor(i / SIZE_PX));
  };
  for (let i = 0; i < PIXEL_COUNT; i++) {
    if (mask[i] !== boundary) continue;
    const beside = sidesOf(i).find((side) => isMapped[/** @type {number} */ (mask[side])]);
    if (beside !== undefined) claim(i, /** @type {number} */ (labels[beside]));
  }
  for (let next = 0; next < end; next++) {
    const i = /** @type {number} */ (queue[next]);
    for (const side of sidesOf(i)) claim(side, /** @type {number} */ (owner[i]));
  }
}

/**
 * @param {number} i
 * @returns {number[]} the pixels that share a side with it
 */
function sidesOf(i) {
  const x = i % SIZE_PX;
  const sides = [];
  if (x > 0) sides.push(i - 1);
  if (x < SIZE_PX - 1) sides.push(i + 1);
  if (i >= SIZE_PX) sides.push(i - SIZE_PX);
  if (i < PIXEL_COUNT - SIZE_PX) sides.push(i + SIZE_PX);
  return sides;
}

/**
 * @param {LabelClass[]} legend
 * @returns {boolean[]} by class value: all but the null class, the boundary and unsure
 */
function mappedClasses(legend) {
  const isMapped = new Array(256).fill(false);
  for (const { value, is_null, is_boundary } of legend) isMapped[value] = !is_null && !is_boundary && value !== UNSURE;
  return isMapped;
}
