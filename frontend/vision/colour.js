/**
 * Colours as numbers whose distances are about what the eye sees: the OKLab space (B. Ottosson, 2020), times 100.
 */
import { PIXEL_COUNT, SIZE_PX } from "../state/mask.js";

/** @typedef {Float32Array<ArrayBuffer>} Colours lightness, green to red, blue to yellow of each pixel, one after the other */

const LINEAR = Float32Array.from({ length: 256 }, (_, byte) => {
  const share = byte / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
});

/**
 * @param {Uint8ClampedArray | Uint8Array} rgba four bytes a pixel, as an ImageData holds them
 * @returns {Colours}
 */
export function coloursOf(rgba) {
  const colours = new Float32Array(3 * PIXEL_COUNT);
  for (let i = 0; i < PIXEL_COUNT; i++) {
    const red = /** @type {number} */ (LINEAR[rgba[4 * i] ?? 0]);
    const green = /** @type {number} */ (LINEAR[rgba[4 * i + 1] ?? 0]);
    const blue = /** @type {number} */ (LINEAR[rgba[4 * i + 2] ?? 0]);
    const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
    const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
    const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
    colours[3 * i] = 100 * (0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s);
    colours[3 * i + 1] = 100 * (1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s);
    colours[3 * i + 2] = 100 * (0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s);
  }
  return colours;
}

/**
 * The mean over 3 × 3 pixels, fewer at the patch's rim: speckle is no field.
 *
 * @param {Colours} colours
 * @returns {Colours}
 */
export function smoothed(colours) {
  return alongRows(alongRows(colours, 3, 3 * SIZE_PX), 3 * SIZE_PX, 3);
}

/**
 * @param {Colours} colours
 * @param {number} step numbers from one pixel to the next that counts
 * @param {number} line numbers from one line of such pixels to the next
 * @returns {Colours}
 */
function alongRows(colours, step, line) {
  const mean = new Float32Array(colours.length);
  for (let start = 0, row = 0; row < SIZE_PX; row++, start = row * line) {
    for (let n = 0; n < SIZE_PX; n++) {
      const first = Math.max(0, n - 1);
      const last = Math.min(SIZE_PX - 1, n + 1);
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let k = first; k <= last; k++) sum += /** @type {number} */ (colours[start + k * step + channel]);
        mean[start + n * step + channel] = sum / (last - first + 1);
      }
    }
  }
  return mean;
}

/**
 * @param {Float32Array} a
 * @param {number} i which colour of `a`
 * @param {Float32Array} b
 * @param {number} j which colour of `b`
 * @returns {number} the square of their distance
 */
export function squaredDistance(a, i, b, j) {
  const dl = /** @type {number} */ (a[3 * i]) - /** @type {number} */ (b[3 * j]);
  const da = /** @type {number} */ (a[3 * i + 1]) - /** @type {number} */ (b[3 * j + 1]);
  const db = /** @type {number} */ (a[3 * i + 2]) - /** @type {number} */ (b[3 * j + 2]);
  return dl * dl + da * da + db * db;
}
