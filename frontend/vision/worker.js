/**
 * Analyses imagery beside the page, so that no stroke ever waits for it.
 *
 * @import {Analysis} from "./analysis.js"
 */
import { analyse } from "./analysis.js";

/** @typedef {{id: number, rgba: Uint8ClampedArray<ArrayBuffer>}} Question */
/** @typedef {{id: number, analysis: Analysis}} Answer */

globalThis.addEventListener("message", (/** @type {MessageEvent<Question>} */ { data: { id, rgba } }) => {
  const analysis = analyse(rgba);
  const { colours, edges, superpixels } = analysis;
  const buffers = [colours, edges, ...Object.values(superpixels).filter((part) => typeof part !== "number")].map((part) => part.buffer);
  globalThis.postMessage({ id, analysis }, { transfer: buffers });
});
