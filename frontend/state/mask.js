/**
 * The mask of a patch: one class value a pixel, row by row, exactly as the server keeps it.
 *
 * @typedef {Uint8Array<ArrayBuffer>} Mask 256 × 256 class values
 * @typedef {{x0: number, y0: number, x1: number, y1: number}} Rect pixels, x1 and y1 exclusive
 * @typedef {{x: number, y: number}} Point in patch pixels; pixel (column, row) covers [column, column + 1)
 */

export const SIZE_PX = 256;
export const PIXEL_COUNT = SIZE_PX * SIZE_PX;
export const NULL_CLASS = 0;
export const UNSURE = 255;

/** @returns {Mask} */
export function emptyMask() {
  return new Uint8Array(PIXEL_COUNT);
}

/** @returns {Rect} */
export function wholePatch() {
  return { x0: 0, y0: 0, x1: SIZE_PX, y1: SIZE_PX };
}

/**
 * @param {number} x
 * @param {number} y
 */
export function isInside(x, y) {
  return x >= 0 && y >= 0 && x < SIZE_PX && y < SIZE_PX;
}

/**
 * @param {Mask} a
 * @param {Mask} b
 */
export function sameMask(a, b) {
  if (a === b) return true;
  for (let i = 0; i < PIXEL_COUNT; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * @param {Mask} a
 * @param {Mask} b
 * @returns {number} how many pixels differ
 */
export function countChanged(a, b) {
  let count = 0;
  for (let i = 0; i < PIXEL_COUNT; i++) if (a[i] !== b[i]) count++;
  return count;
}

/**
 * @param {Mask} a
 * @param {Mask} b
 * @returns {Rect | null} the smallest rectangle that holds every difference
 */
export function changedRect(a, b) {
  let x0 = SIZE_PX;
  let y0 = SIZE_PX;
  let x1 = -1;
  let y1 = -1;
  for (let i = 0; i < PIXEL_COUNT; i++) {
    if (a[i] === b[i]) continue;
    const x = i % SIZE_PX;
    const y = (i - x) / SIZE_PX;
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  return x1 < 0 ? null : { x0, y0, x1: x1 + 1, y1: y1 + 1 };
}

/**
 * @param {Rect | null} a
 * @param {Rect | null} b
 * @returns {Rect | null}
 */
export function union(a, b) {
  if (!a || !b) return a ?? b;
  return {
    x0: Math.min(a.x0, b.x0),
    y0: Math.min(a.y0, b.y0),
    x1: Math.max(a.x1, b.x1),
    y1: Math.max(a.y1, b.y1),
  };
}

/**
 * @param {Mask} mask
 * @returns {Map<number, number>} pixels by class value
 */
export function countByClass(mask) {
  const counts = new Uint32Array(256);
  for (const value of mask) counts[value] = (counts[value] ?? 0) + 1;
  return new Map([...counts.entries()].filter(([, count]) => count > 0));
}
