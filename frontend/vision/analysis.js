/**
 * All that the drawing tools want to know of the imagery under a patch.
 *
 * @import {Colours} from "./colour.js"
 * @import {Edges} from "./edges.js"
 * @import {Superpixels} from "./superpixels.js"
 */
import { coloursOf, smoothed } from "./colour.js";
import { edgesOf } from "./edges.js";
import { superpixelsOf } from "./superpixels.js";

/** @typedef {{colours: Colours, edges: Edges, superpixels: Superpixels}} Analysis */

/**
 * @param {Uint8ClampedArray | Uint8Array} rgba the imagery of the patch, 256 × 256 pixels of four bytes
 * @returns {Analysis}
 */
export function analyse(rgba) {
  const colours = smoothed(coloursOf(rgba));
  const edges = edgesOf(colours);
  return { colours, edges, superpixels: superpixelsOf(colours, edges) };
}
