/**
 * Drawing freehand around a field with the button held; letting go fills it.
 *
 * @import {Point} from "../state/mask.js"
 * @import {Mode, ModeParts} from "./modes.js"
 */
import { NULL_CLASS } from "../state/mask.js";
import { drawRing } from "./polygon.js";

/** How far apart the corners of the ring are, in patch pixels. */
const TRACE_PX = 0.7;

/**
 * @param {ModeParts} parts
 * @returns {Mode}
 */
export function lassoMode(parts) {
  const { document, tools, hand } = parts;
  /** @type {Point[]} */
  let ring = [];
  let value = NULL_CLASS;
  const clear = () => {
    ring = [];
    hand.showRing(ring);
  };
  return {
    cursor: "crosshair",
    isStroke: true,
    enter: clear,
    exit: clear,
    down({ point, isSecondary }) {
      if (!document.isDrawable()) return;
      value = isSecondary ? NULL_CLASS : tools.state.value;
      ring = [point];
    },
    drag({ passed }) {
      for (const point of passed) {
        const last = ring.at(-1);
        if (last && Math.hypot(last.x - point.x, last.y - point.y) >= TRACE_PX) ring.push(point);
      }
      hand.showRing(ring);
    },
    up() {
      drawRing(parts, ring, value);
      clear();
    },
    cancel: clear,
    key(chord) {
      if (chord !== "Escape" || !ring.length) return false;
      clear();
      return true;
    },
  };
}
