/**
 * Which tiles the map asks for when it shows a patch, so that they can be fetched before.
 *
 * @import {Patch, Scene} from "../api/types.js"
 */
import { nativeZoom, tileUrl } from "../map/imagery.js";
import { SIZE_PX } from "../state/mask.js";

/**
 * The patch in the middle, as large as it fits at a whole zoom level.
 *
 * @param {Scene} scene
 * @param {Pick<Patch, "z" | "x" | "y">} patch
 * @param {{x: number, y: number}} size of the map on the screen, in pixels
 * @returns {string[]} addresses, the patch's own tile first
 */
export function viewTiles(scene, patch, size) {
  const zoom = patch.z + Math.max(0, Math.floor(Math.log2(Math.max(1, Math.min(size.x, size.y) / SIZE_PX))));
  const z = Math.min(zoom, nativeZoom(scene, patch.z));
  const [left, right] = range(patch.x, patch.z, size.x, zoom, z);
  const [top, bottom] = range(patch.y, patch.z, size.y, zoom, z);
  const urls = [tileUrl(scene, patch)];
  for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) if (meets(scene, { z, x, y })) urls.push(tileUrl(scene, { z, x, y }));
  return [...new Set(urls)];
}

/**
 * @param {number} at the patch's column or row
 * @param {number} patchZoom
 * @param {number} sizePx of the map along that axis
 * @param {number} zoom of the map
 * @param {number} tileZoom
 * @returns {[first: number, last: number]}
 */
function range(at, patchZoom, sizePx, zoom, tileZoom) {
  const middle = Math.floor((at + 0.5) * SIZE_PX * 2 ** (tileZoom - patchZoom));
  const half = sizePx / 2 ** (zoom - tileZoom) / 2;
  return [Math.floor((middle - half) / SIZE_PX), Math.ceil((middle + half) / SIZE_PX) - 1];
}

/**
 * @param {Scene} scene
 * @param {{z: number, x: number, y: number}} tile
 */
function meets({ bounds }, { z, x, y }) {
  if (!bounds) return true;
  const [west, south, east, north] = bounds;
  const longitude = (/** @type {number} */ column) => (column / 2 ** z) * 360 - 180;
  const latitude = (/** @type {number} */ row) => (Math.atan(Math.sinh(Math.PI * (1 - (2 * row) / 2 ** z))) * 180) / Math.PI;
  return longitude(x) < east && longitude(x + 1) > west && latitude(y + 1) < north && latitude(y) > south;
}
