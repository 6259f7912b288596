/**
 * From class values and entropies to pixels; no Leaflet, no canvas, so that it can be tested.
 *
 * @import {LabelClass} from "../api/types.js"
 * @import {Mask, Rect} from "../state/mask.js"
 */
import { NULL_CLASS, PIXEL_COUNT, SIZE_PX, UNSURE } from "../state/mask.js";

/** @typedef {Uint32Array<ArrayBuffer>} Pixels RGBA as an ImageData holds them, seen as one number each */

const CLEAR = 0;
const UNSURE_DARK = rgba(30, 30, 30, 255);
const UNSURE_LIGHT = rgba(255, 255, 255, 200);
const FAINT_DARK = rgba(0, 0, 0, 70);
const FAINT_LIGHT = rgba(255, 255, 255, 90);
const UNKNOWN = rgba(255, 0, 200, 255);
const DIFFERENT = rgba(255, 0, 140, 255);
const SAME_VEIL = rgba(255, 255, 255, 150);

/**
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 * @param {number} alpha
 */
export function rgba(red, green, blue, alpha) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** @param {string} color "#rrggbb" */
export function opaque(color) {
  const number = Number.parseInt(color.replace("#", "").slice(0, 6), 16) || 0;
  return rgba((number >> 16) & 255, (number >> 8) & 255, number & 255, 255);
}

/**
 * One colour for each class value. The null class is clear; a value outside the legend screams.
 *
 * @param {LabelClass[]} legend
 * @param {{isNullShown?: boolean}} [options] the null class has its colour too
 * @returns {Pixels}
 */
export function paletteOf(legend, { isNullShown = false } = {}) {
  const palette = new Uint32Array(256).fill(UNKNOWN);
  palette[NULL_CLASS] = CLEAR;
  for (const one of legend) palette[one.value] = one.is_null && !isNullShown ? CLEAR : opaque(one.color);
  return palette;
}

/**
 * @param {Mask} mask
 * @param {Pixels} palette
 * @param {Pixels} pixels the whole patch
 * @param {Rect} rect what is painted of it
 * @param {typeof unsureAt} [unsure] how the unsure class looks
 */
export function paintMask(mask, palette, pixels, rect, unsure = unsureAt) {
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const i = y * SIZE_PX + x;
      const value = /** @type {number} */ (mask[i]);
      pixels[i] = value === UNSURE ? unsure(x, y) : /** @type {number} */ (palette[value]);
    }
  }
}

/**
 * The unsure class is hatched, so that it differs from every colour of a legend.
 *
 * @param {number} x
 * @param {number} y
 */
export function unsureAt(x, y) {
  return (x + y) % 6 < 3 ? UNSURE_DARK : UNSURE_LIGHT;
}

/**
 * Land that nobody was asked about: thin lines, so that the imagery is seen and a cell with a class, the null class
 * too, stands out from it.
 *
 * @param {number} x
 * @param {number} y
 */
export function unaskedAt(x, y) {
  const line = (x + y) % 8;
  return line === 0 ? FAINT_DARK : line === 1 ? FAINT_LIGHT : CLEAR;
}

/**
 * Pixels that differ between two masks, on a veil over all others.
 *
 * @param {Mask} a
 * @param {Mask} b
 * @param {Pixels} pixels
 */
export function paintDifference(a, b, pixels) {
  for (let i = 0; i < PIXEL_COUNT; i++) pixels[i] = a[i] === b[i] ? SAME_VEIL : DIFFERENT;
}

/** Red, green, blue and opacity of no, one third, two thirds and all of the entropy there can be. */
const HEAT = [
  [70, 20, 130, 0],
  [122, 30, 140, 160],
  [222, 70, 130, 225],
  [255, 244, 205, 255],
];

/**
 * From clear (the model was sure) over violet and pink to nearly white (it had no idea): lightness rises all the way,
 * so that the order is seen without colour, and no legend for land is likely to hold these colours.
 *
 * @param {number} byte entropy / entropy_max_nats × 255
 */
export function heat(byte) {
  const at = (byte / 255) * (HEAT.length - 1);
  const below = Math.min(HEAT.length - 2, Math.floor(at));
  const share = at - below;
  const [red, green, blue, alpha] = /** @type {number[]} */ (HEAT[below]).map((from, i) =>
    Math.round(from + share * ((HEAT[below + 1]?.[i] ?? from) - from)),
  );
  return rgba(red ?? 0, green ?? 0, blue ?? 0, alpha ?? 0);
}

/**
 * @param {Uint8Array} entropy one byte a cell
 * @param {Pixels} pixels as many
 */
export function paintEntropy(entropy, pixels) {
  entropy.forEach((byte, i) => {
    pixels[i] = heat(byte);
  });
}
