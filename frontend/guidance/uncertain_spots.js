/**
 * Where to look first: the cells of which the model was least sure, far enough apart that each visit shows new ground.
 *
 * @import {Point} from "../state/mask.js"
 */
import { SIZE_PX } from "../state/mask.js";

/** @typedef {Point & {share: number}} Spot the cell's centre in patch pixels; its entropy as a share of the highest */

const MOST_SPOTS = 12;
const APART_PX = 40;
/** Below a fifth of the highest entropy the model was sure enough. */
const LEAST_BYTE = 51;

/**
 * The highest cells, each keeping lower ones away from its surroundings (non-maximum suppression).
 *
 * @param {Uint8Array} entropy one byte a cell: entropy / entropy_max_nats × 255
 * @param {number} rows
 * @param {number} columns
 * @returns {Spot[]} the least sure first
 */
export function uncertainSpots(entropy, rows, columns) {
  const order = [...entropy.keys()].filter((i) => /** @type {number} */ (entropy[i]) >= LEAST_BYTE);
  order.sort((a, b) => /** @type {number} */ (entropy[b]) - /** @type {number} */ (entropy[a]) || a - b);
  /** @type {Spot[]} */
  const spots = [];
  for (const i of order) {
    if (spots.length === MOST_SPOTS) break;
    const x = (((i % columns) + 0.5) / columns) * SIZE_PX;
    const y = ((Math.floor(i / columns) + 0.5) / rows) * SIZE_PX;
    if (spots.some((spot) => Math.hypot(spot.x - x, spot.y - y) < APART_PX)) continue;
    spots.push({ x, y, share: /** @type {number} */ (entropy[i]) / 255 });
  }
  return spots;
}
