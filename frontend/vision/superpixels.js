/**
 * Small connected pieces of the imagery that look alike inside: SLIC superpixels (Achanta et al., 2012), and which of
 * them touch.
 *
 * @import {Colours} from "./colour.js"
 * @import {Edges} from "./edges.js"
 */
import { PIXEL_COUNT, SIZE_PX } from "../state/mask.js";
import { squaredDistance } from "./colour.js";

/**
 * @typedef {object} Superpixels
 * @property {number} count
 * @property {Uint16Array<ArrayBuffer>} labels the superpixel of each pixel
 * @property {Uint16Array<ArrayBuffer>} pixels all pixels, those of superpixel 0 first
 * @property {Uint32Array<ArrayBuffer>} pixelStarts where those of each superpixel begin; one more number ends the last
 * @property {Float32Array<ArrayBuffer>} colours the mean colour of each
 * @property {Float32Array<ArrayBuffer>} centres x and y of each, in patch pixels
 * @property {Uint16Array<ArrayBuffer>} neighbours those that touch superpixel 0 first
 * @property {Uint32Array<ArrayBuffer>} neighbourStarts
 * @property {Uint8Array<ArrayBuffer>} borders the mean edge strength on the border to each of `neighbours`
 */

const SPACING_PX = 8;
const ROUNDS = 5;
/** How much one spacing of distance counts, in units of colour: more makes rounder pieces. */
const ROUNDNESS = 4;

/**
 * @param {Colours} colours
 * @param {Edges} edges
 * @returns {Superpixels}
 */
export function superpixelsOf(colours, edges) {
  const { labels, count } = connected(clustered(colours));
  const { pixels, pixelStarts } = sortedByLabel(labels, count);
  const means = new Float32Array(3 * count);
  const centres = new Float32Array(2 * count);
  recentre(colours, labels, means, centres, count);
  return { count, labels, pixels, pixelStarts, colours: means, centres, ...neighboursOf(labels, count, edges) };
}

/**
 * @param {Colours} colours
 * @returns {Uint16Array<ArrayBuffer>} a cluster for each pixel, not connected yet
 */
function clustered(colours) {
  const side = SIZE_PX / SPACING_PX;
  const count = side * side;
  const means = new Float32Array(3 * count);
  const centres = new Float32Array(2 * count);
  for (let n = 0; n < count; n++) {
    const x = ((n % side) + 0.5) * SPACING_PX;
    const y = (Math.floor(n / side) + 0.5) * SPACING_PX;
    centres.set([x, y], 2 * n);
    const i = 3 * (Math.floor(y) * SIZE_PX + Math.floor(x));
    means.set(colours.subarray(i, i + 3), 3 * n);
  }
  const labels = new Uint16Array(PIXEL_COUNT);
  const nearest = new Float32Array(PIXEL_COUNT);
  for (let round = 0; round < ROUNDS; round++) {
    nearest.fill(Infinity);
    for (let n = 0; n < count; n++) assign(n, colours, means, centres, labels, nearest);
    recentre(colours, labels, means, centres, count);
  }
  return labels;
}

/**
 * @param {number} n a cluster
 * @param {Colours} colours
 * @param {Float32Array} means
 * @param {Float32Array} centres
 * @param {Uint16Array} labels
 * @param {Float32Array} nearest
 */
function assign(n, colours, means, centres, labels, nearest) {
  const cx = /** @type {number} */ (centres[2 * n]);
  const cy = /** @type {number} */ (centres[2 * n + 1]);
  const weight = (ROUNDNESS / SPACING_PX) ** 2;
  const x1 = Math.min(SIZE_PX, Math.ceil(cx + SPACING_PX));
  const y1 = Math.min(SIZE_PX, Math.ceil(cy + SPACING_PX));
  for (let y = Math.max(0, Math.floor(cy - SPACING_PX)); y < y1; y++) {
    for (let x = Math.max(0, Math.floor(cx - SPACING_PX)); x < x1; x++) {
      const i = y * SIZE_PX + x;
      const apart = (x + 0.5 - cx) ** 2 + (y + 0.5 - cy) ** 2;
      const distance = squaredDistance(colours, i, means, n) + weight * apart;
      if (distance >= /** @type {number} */ (nearest[i])) continue;
      nearest[i] = distance;
      labels[i] = n;
    }
  }
}

/**
 * @param {Colours} colours
 * @param {Uint16Array} labels
 * @param {Float32Array} means
 * @param {Float32Array} centres
 * @param {number} count
 */
function recentre(colours, labels, means, centres, count) {
  const sums = new Float64Array(6 * count);
  for (let i = 0; i < PIXEL_COUNT; i++) {
    const at = 6 * /** @type {number} */ (labels[i]);
    for (let k = 0; k < 3; k++) add(sums, at + k, /** @type {number} */ (colours[3 * i + k]));
    add(sums, at + 3, (i % SIZE_PX) + 0.5);
    add(sums, at + 4, Math.floor(i / SIZE_PX) + 0.5);
    add(sums, at + 5, 1);
  }
  for (let n = 0; n < count; n++) {
    const size = /** @type {number} */ (sums[6 * n + 5]);
    if (!size) continue;
    for (let k = 0; k < 3; k++) means[3 * n + k] = /** @type {number} */ (sums[6 * n + k]) / size;
    for (let k = 0; k < 2; k++) centres[2 * n + k] = /** @type {number} */ (sums[6 * n + 3 + k]) / size;
  }
}

/**
 * @param {Float64Array} sums
 * @param {number} at
 * @param {number} amount
 */
function add(sums, at, amount) {
  sums[at] = /** @type {number} */ (sums[at]) + amount;
}

/**
 * Every piece joined by its pixels' sides gets a label of its own; crumbs join the piece before them.
 *
 * @param {Uint16Array} clusters
 * @returns {{labels: Uint16Array<ArrayBuffer>, count: number}}
 */
function connected(clusters) {
  const unseen = 0xffff;
  const labels = new Uint16Array(PIXEL_COUNT).fill(unseen);
  const piece = new Uint16Array(PIXEL_COUNT);
  let count = 0;
  for (let first = 0; first < PIXEL_COUNT; first++) {
    if (labels[first] !== unseen) continue;
    let size = 0;
    const join = (/** @type {number} */ next) => {
      if (labels[next] !== unseen || clusters[next] !== clusters[first]) return;
      labels[next] = count;
      piece[size++] = next;
    };
    join(first);
    for (let k = 0; k < size; k++) {
      const i = /** @type {number} */ (piece[k]);
      const x = i % SIZE_PX;
      if (x > 0) join(i - 1);
      if (x < SIZE_PX - 1) join(i + 1);
      if (i >= SIZE_PX) join(i - SIZE_PX);
      if (i < PIXEL_COUNT - SIZE_PX) join(i + SIZE_PX);
    }
    // The pixels to the left of the first and above it have their labels by now.
    const host = first % SIZE_PX ? labels[first - 1] : labels[first - SIZE_PX];
    if (size >= (SPACING_PX * SPACING_PX) / 4 || host === undefined) count++;
    else for (let k = 0; k < size; k++) labels[/** @type {number} */ (piece[k])] = host;
  }
  return { labels, count };
}

/**
 * @param {Uint16Array} labels
 * @param {number} count
 */
function sortedByLabel(labels, count) {
  const pixelStarts = new Uint32Array(count + 1);
  for (const label of labels) pixelStarts[label + 1] = /** @type {number} */ (pixelStarts[label + 1]) + 1;
  for (let n = 0; n < count; n++) pixelStarts[n + 1] = /** @type {number} */ (pixelStarts[n + 1]) + /** @type {number} */ (pixelStarts[n]);
  const next = pixelStarts.slice();
  const pixels = new Uint16Array(PIXEL_COUNT);
  labels.forEach((label, i) => {
    const at = /** @type {number} */ (next[label]);
    pixels[at] = i;
    next[label] = at + 1;
  });
  return { pixels, pixelStarts };
}

/**
 * @param {Uint16Array} labels
 * @param {number} count
 * @param {Edges} edges
 */
function neighboursOf(labels, count, edges) {
  /** @type {Map<number, [sum: number, length: number]>[]} */
  const touching = Array.from({ length: count }, () => new Map());
  const touch = (/** @type {number} */ i, /** @type {number} */ j) => {
    const [a, b] = [/** @type {number} */ (labels[i]), /** @type {number} */ (labels[j])];
    if (a === b) return;
    const edge = Math.max(/** @type {number} */ (edges[i]), /** @type {number} */ (edges[j]));
    for (const [from, to] of /** @type {[number, number][]} */ ([[a, b], [b, a]])) {
      const [sum, length] = touching[from]?.get(to) ?? [0, 0];
      touching[from]?.set(to, [sum + edge, length + 1]);
    }
  };
  for (let i = 0; i < PIXEL_COUNT; i++) {
    if (i % SIZE_PX) touch(i - 1, i);
    if (i >= SIZE_PX) touch(i - SIZE_PX, i);
  }
  const neighbourStarts = new Uint32Array(count + 1);
  touching.forEach((all, n) => (neighbourStarts[n + 1] = /** @type {number} */ (neighbourStarts[n]) + all.size));
  const all = touching.flatMap((one) => [...one]);
  return {
    neighbourStarts,
    neighbours: Uint16Array.from(all, ([label]) => label),
    borders: Uint8Array.from(all, ([, [sum, length]]) => Math.round(sum / length)),
  };
}
