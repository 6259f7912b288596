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
 * @property {Point} at the middle of its longest row: always inside
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
  const longest = new Int32Array(count);
  for (let row = 0; row < SIZE_PX; row++) {
    const areaM2 = /** @type {number} */ (areasM2[row]);
    let from = row * SIZE_PX;
    const end = from + SIZE_PX;
    while (from < end) {
      const label = /** @type {number} */ (labels[from]);
      let to = from + 1;
      while (to < end && labels[to] === label) to++;
      const value = /** @type {number} */ (mask[from]);
      if (isMapped[value]) {
        const parcel = (parcels[label] ??= { value, pixels: 0, hectares: 0, at: { x: 0, y: 0 }, isCut: false });
        parcel.pixels += to - from;
        parcel.hectares += ((to - from) * areaM2) / M2_A_HECTARE;
        parcel.isCut ||= row === 0 || row === SIZE_PX - 1 || from % SIZE_PX === 0 || to === end;
        if (to - from > /** @type {number} */ (longest[label])) {
          longest[label] = to - from;
          parcel.at = { x: Math.floor(((from % SIZE_PX) + ((to - 1) % SIZE_PX)) / 2) + 0.5, y: row + 0.5 };
        }
      }
      from = to;
    }
  }
  shareBoundary(mask, labels, legend, (label, row) => {
    const parcel = parcels[label];
    if (parcel) parcel.hectares += /** @type {number} */ (areasM2[row]) / M2_A_HECTARE;
  });
  return parcels.filter((parcel) => parcel !== null).sort((a, b) => b.hectares - a.hectares || b.pixels - a.pixels);
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
