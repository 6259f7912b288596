/**
 * How large pixels are on the ground. Web Mercator stretches areas with the latitude, so areas are those of the
 * WGS 84 ellipsoid.
 *
 * @import {Mask} from "../state/mask.js"
 */
import { regionsOf } from "../actions/regions.js";
import { PIXEL_COUNT, SIZE_PX } from "../state/mask.js";

const SEMI_MAJOR_M = 6_378_137;
const FLATTENING = 1 / 298.257223563;
const ECCENTRICITY = Math.sqrt(FLATTENING * (2 - FLATTENING));
const SEMI_MINOR_M = SEMI_MAJOR_M * (1 - FLATTENING);
const M2_A_HECTARE = 10_000;

/**
 * The area of one pixel in each row of a patch: the zone of the ellipsoid between two latitudes (Snyder 1987,
 * equation 3-12), divided among the pixels of the world's row.
 *
 * @param {{z: number, y: number}} patch
 * @returns {Float64Array} square metres, one number a row
 */
export function rowAreasM2({ z, y }) {
  const rows = SIZE_PX * 2 ** z;
  const zoneTo = (/** @type {number} */ row) => {
    // The sine of the latitude at which Web Mercator puts the upper side of that row.
    const sine = Math.tanh(Math.PI * (1 - (2 * row) / rows));
    const e = ECCENTRICITY;
    return Math.PI * SEMI_MINOR_M ** 2 * (sine / (1 - (e * sine) ** 2) + Math.atanh(e * sine) / e);
  };
  return Float64Array.from({ length: SIZE_PX }, (_, row) => {
    const first = y * SIZE_PX + row;
    return (zoneTo(first) - zoneTo(first + 1)) / rows;
  });
}

/**
 * @param {Mask} mask
 * @param {number} value
 * @param {Float64Array} areasM2 by row
 * @returns {{regions: number, pixels: number, hectares: number}} of one class
 */
export function extentOf(mask, value, areasM2) {
  let pixels = 0;
  let areaM2 = 0;
  for (let i = 0; i < PIXEL_COUNT; i++) {
    if (mask[i] !== value) continue;
    pixels++;
    areaM2 += /** @type {number} */ (areasM2[Math.floor(i / SIZE_PX)]);
  }
  return { regions: pixels ? regionsOf(mask, value).count : 0, pixels, hectares: areaM2 / M2_A_HECTARE };
}
