/**
 * Three ways to show a mask: filled, in a pattern for each class, or as outlines over the bare imagery. Patterns tell
 * classes apart without their colours.
 *
 * @import {LabelClass} from "../api/types.js"
 * @import {Mask, Rect} from "../state/mask.js"
 * @import {MaskStyle} from "../state/tools.js"
 * @import {Pixels} from "./paint.js"
 */
import { SIZE_PX, UNSURE, isInside } from "../state/mask.js";
import { paintMask, unsureAt } from "./paint.js";

/** @typedef {(x: number, y: number) => boolean} Pattern whether a pixel is inked */

/** @type {Pattern} */
const SOLID = () => true;
/** @type {Pattern[]} */
const PATTERNS = [
  (x, y) => (x + y) % 6 < 2,
  (x, y) => y % 6 < 2,
  (x, y) => x % 4 < 2 && y % 4 < 2,
  (x, y) => (x - y + SIZE_PX) % 8 < 2,
  (x) => x % 6 < 2,
  (x, y) => x % 6 < 1 || y % 6 < 1,
];

/** Between the lines of a pattern a breath of the colour stays. */
const FAINT_ALPHA = 0x30;

/**
 * The pattern of each class value. The boundary class is too thin for one; values beyond the sixth class share.
 *
 * @param {LabelClass[]} legend
 * @returns {Pattern[]} by class value
 */
export function patternsOf(legend) {
  const patterns = Array.from({ length: 256 }, () => SOLID);
  legend
    .filter((one) => !one.is_null && !one.is_boundary)
    .forEach(({ value }, n) => (patterns[value] = /** @type {Pattern} */ (PATTERNS[n % PATTERNS.length])));
  return patterns;
}

/**
 * @param {Mask} mask
 * @param {{palette: Pixels, patterns: Pattern[], style: MaskStyle, unsure?: typeof unsureAt}} look
 * @param {Pixels} pixels the whole patch
 * @param {Rect} rect what is painted of it
 */
export function paintStyled(mask, { palette, patterns, style, unsure = unsureAt }, pixels, rect) {
  if (style === "fill") {
    paintMask(mask, palette, pixels, rect, unsure);
    return;
  }
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const i = y * SIZE_PX + x;
      const value = /** @type {number} */ (mask[i]);
      const color = value === UNSURE ? unsure(x, y) : /** @type {number} */ (palette[value]);
      const pattern = /** @type {Pattern} */ (patterns[value]);
      if (style === "pattern") pixels[i] = pattern(x, y) ? color : faint(color);
      else pixels[i] = pattern === SOLID && value !== UNSURE ? color : isRim(mask, x, y) ? color : 0;
    }
  }
}

/** @param {number} color */
function faint(color) {
  return ((color & 0x00ffffff) | (Math.min(color >>> 24, FAINT_ALPHA) << 24)) >>> 0;
}

/**
 * Whether a pixel touches another class.
 *
 * @param {Mask} mask
 * @param {number} x
 * @param {number} y
 */
function isRim(mask, x, y) {
  const own = mask[y * SIZE_PX + x];
  for (const [dx, dy] of /** @type {[number, number][]} */ ([[-1, 0], [1, 0], [0, -1], [0, 1]])) {
    if (isInside(x + dx, y + dy) && mask[(y + dy) * SIZE_PX + x + dx] !== own) return true;
  }
  return false;
}
