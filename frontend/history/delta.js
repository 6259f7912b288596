/**
 * What changed between two masks, as bytes: runs of the exclusive or of both. Applied to either mask, a delta gives
 * the other one, so undo and redo are the same step.
 *
 * @import {Mask} from "../state/mask.js"
 */
import { PIXEL_COUNT } from "../state/mask.js";

/** @typedef {Uint8Array<ArrayBuffer>} Delta pairs of a run's length (seven bits a byte, the lowest first) and its value */

const MORE = 0x80;
const SEVEN_BITS = 0x7f;

/**
 * @param {Mask} a
 * @param {Mask} b
 * @returns {Delta} empty where both are the same
 */
export function deltaBetween(a, b) {
  /** @type {number[]} */
  const bytes = [];
  let from = 0;
  while (from < PIXEL_COUNT) {
    const value = differenceAt(a, b, from);
    let to = from + 1;
    while (to < PIXEL_COUNT && differenceAt(a, b, to) === value) to++;
    // What is the same up to the last pixel need not be said.
    if (value === 0 && to === PIXEL_COUNT) break;
    writeNumber(bytes, to - from);
    bytes.push(value);
    from = to;
  }
  return new Uint8Array(bytes);
}

/**
 * @param {Mask} mask
 * @param {Delta} delta
 * @returns {Mask} a new mask
 * @throws {RangeError} where the delta runs beyond the mask
 */
export function withDelta(mask, delta) {
  const changed = mask.slice();
  let from = 0;
  let at = 0;
  while (at < delta.length) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = delta[at++] ?? 0;
      length |= (byte & SEVEN_BITS) << shift;
      if (!(byte & MORE)) break;
    }
    const value = delta[at++] ?? 0;
    const to = from + length;
    if (to > PIXEL_COUNT) throw new RangeError("The step does not fit a mask.");
    if (value) for (let i = from; i < to; i++) changed[i] = /** @type {number} */ (changed[i]) ^ value;
    from = to;
  }
  return changed;
}

/**
 * @param {Mask} a
 * @param {Mask} b
 * @param {number} i
 */
function differenceAt(a, b, i) {
  return /** @type {number} */ (a[i]) ^ /** @type {number} */ (b[i]);
}

/**
 * @param {number[]} bytes
 * @param {number} number
 */
function writeNumber(bytes, number) {
  let rest = number;
  for (; rest > SEVEN_BITS; rest >>>= 7) bytes.push((rest & SEVEN_BITS) | MORE);
  bytes.push(rest);
}
