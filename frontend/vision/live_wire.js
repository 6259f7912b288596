/**
 * The cheapest way over the patch, where walking along an edge of the imagery costs little: "intelligent scissors"
 * (Mortensen and Barrett, 1995) with Dijkstra's algorithm and Dial's buckets.
 *
 * @import {Point} from "../state/mask.js"
 * @import {Edges} from "./edges.js"
 */
import { PIXEL_COUNT, SIZE_PX, isInside } from "../state/mask.js";

/** @typedef {Int32Array<ArrayBuffer>} Wire for each pixel the one before it on the way from the anchor, -1 at the anchor */

/** Costs are whole numbers: a step sideways costs 10 units of price, a diagonal one 14. */
const DEAREST = 32;
const BUCKETS = 14 * (DEAREST + 1) + 1;
const STEPS = [
  [-1, 0, 10], [1, 0, 10], [0, -1, 10], [0, 1, 10],
  [-1, -1, 14], [1, -1, 14], [-1, 1, 14], [1, 1, 14],
];

/** A pixel's price by the strength of its edge. */
const PRICE = Uint8Array.from({ length: 256 }, (_, edge) => 1 + Math.round(DEAREST * (1 - edge / 255) ** 2));

/**
 * All cheapest ways from one pixel.
 *
 * @param {Edges} edges
 * @param {Point} anchor inside the patch
 * @param {Point | null} [goal] the search may end there; the wire then leads to this pixel only
 * @returns {Wire}
 */
export function wireFrom(edges, anchor, goal = null) {
  const before = new Int32Array(PIXEL_COUNT).fill(-1);
  const costs = new Int32Array(PIXEL_COUNT).fill(0x7fffffff);
  const isDone = new Uint8Array(PIXEL_COUNT);
  /** @type {number[][]} */
  const buckets = Array.from({ length: BUCKETS }, () => []);
  const start = Math.floor(anchor.y) * SIZE_PX + Math.floor(anchor.x);
  const end = goal ? Math.floor(goal.y) * SIZE_PX + Math.floor(goal.x) : -1;
  costs[start] = 0;
  /** @type {number[]} */ (buckets[0]).push(start);
  let waiting = 1;
  for (let cost = 0; waiting > 0; cost++) {
    const bucket = /** @type {number[]} */ (buckets[cost % BUCKETS]);
    while (bucket.length) {
      const pixel = /** @type {number} */ (bucket.pop());
      waiting--;
      if (isDone[pixel]) continue;
      isDone[pixel] = 1;
      if (pixel === end) return before;
      const x = pixel % SIZE_PX;
      const y = (pixel - x) / SIZE_PX;
      for (const [dx, dy, length] of /** @type {[number, number, number][]} */ (STEPS)) {
        if (!isInside(x + dx, y + dy)) continue;
        const next = pixel + dy * SIZE_PX + dx;
        const dearer = cost + length * /** @type {number} */ (PRICE[/** @type {number} */ (edges[next])]);
        if (isDone[next] || dearer >= /** @type {number} */ (costs[next])) continue;
        costs[next] = dearer;
        before[next] = pixel;
        /** @type {number[]} */ (buckets[dearer % BUCKETS]).push(next);
        waiting++;
      }
    }
  }
  return before;
}

/**
 * @param {Wire} wire
 * @param {Point} to inside the patch
 * @returns {Point[]} centres of neighbouring pixels from the anchor to the pixel of `to`
 */
export function wirePath(wire, to) {
  /** @type {Point[]} */
  const path = [];
  for (let pixel = Math.floor(to.y) * SIZE_PX + Math.floor(to.x); pixel >= 0; pixel = /** @type {number} */ (wire[pixel])) {
    path.push({ x: (pixel % SIZE_PX) + 0.5, y: Math.floor(pixel / SIZE_PX) + 0.5 });
  }
  return path.reverse();
}
