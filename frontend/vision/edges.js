/**
 * Where the imagery changes: the strength of its edges, and the nearest strong one.
 *
 * @import {Point} from "../state/mask.js"
 * @import {Colours} from "./colour.js"
 */
import { PIXEL_COUNT, SIZE_PX, isInside } from "../state/mask.js";

/** @typedef {Uint8Array<ArrayBuffer>} Edges one byte a pixel: 0 for no edge, 255 for the strongest hundredth */

/** The step of colour across a pixel that counts as a full edge even where the patch has nothing stronger. */
const FAINTEST_FULL_EDGE = 3;

/**
 * The magnitude of the Sobel gradient over all three channels, scaled so that the strongest hundredth of the patch is
 * 255; a plain patch stays plain.
 *
 * @param {Colours} colours
 * @returns {Edges}
 */
export function edgesOf(colours) {
  const at = (/** @type {number} */ i) => /** @type {number} */ (colours[i]);
  const magnitudes = new Float32Array(PIXEL_COUNT);
  for (let y = 0; y < SIZE_PX; y++) {
    const up = Math.max(0, y - 1) * SIZE_PX;
    const here = y * SIZE_PX;
    const down = Math.min(SIZE_PX - 1, y + 1) * SIZE_PX;
    for (let x = 0; x < SIZE_PX; x++) {
      const left = Math.max(0, x - 1);
      const right = Math.min(SIZE_PX - 1, x + 1);
      let squares = 0;
      for (let c = 0; c < 3; c++) {
        const [ul, ur] = [at(3 * (up + left) + c), at(3 * (up + right) + c)];
        const [dl, dr] = [at(3 * (down + left) + c), at(3 * (down + right) + c)];
        const dx = ur - ul + 2 * (at(3 * (here + right) + c) - at(3 * (here + left) + c)) + dr - dl;
        const dy = dl - ul + 2 * (at(3 * (down + x) + c) - at(3 * (up + x) + c)) + dr - ur;
        squares += dx * dx + dy * dy;
      }
      magnitudes[here + x] = Math.sqrt(squares) / 4;
    }
  }
  const strongest = /** @type {number} */ (magnitudes.slice().sort()[Math.floor(0.99 * PIXEL_COUNT)]);
  const scale = 255 / Math.max(FAINTEST_FULL_EDGE, strongest);
  return Uint8Array.from(magnitudes, (magnitude) => Math.min(255, Math.round(magnitude * scale)));
}

/**
 * The centre of the pixel with the strongest edge near a point; of equal ones, the nearest.
 *
 * @param {Edges} edges
 * @param {Point} at
 * @param {number} radiusPx
 * @returns {Point} the point itself where nothing near it is an edge
 */
export function snapToEdge(edges, at, radiusPx) {
  let best = at;
  let bestWorth = 0;
  for (let row = Math.floor(at.y - radiusPx); row <= at.y + radiusPx; row++) {
    for (let column = Math.floor(at.x - radiusPx); column <= at.x + radiusPx; column++) {
      const distance = Math.hypot(column + 0.5 - at.x, row + 0.5 - at.y);
      if (distance > radiusPx || !isInside(column, row)) continue;
      const worth = /** @type {number} */ (edges[row * SIZE_PX + column]) * (1 - distance / (2 * radiusPx));
      if (worth > bestWorth) {
        bestWorth = worth;
        best = { x: column + 0.5, y: row + 0.5 };
      }
    }
  }
  return best;
}
