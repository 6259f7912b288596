/**
 * Drawing a polygon corner by corner, or around a field with the button held; it is filled with the chosen class.
 *
 * @import {Point} from "../state/mask.js"
 * @import {Mode, ModeParts} from "./modes.js"
 */
import { fillOutlinedPolygon, fillPolygon } from "../actions/polygon.js";
import { NULL_CLASS } from "../state/mask.js";

/** How near to the first corner a click closes the ring, and how far apart traced corners are, in screen pixels. */
const CLOSE_PX = 9;
const TRACE_PX = 4;

/**
 * Fills a ring, with its outline where the annotator wants one.
 *
 * @param {Pick<ModeParts, "document" | "tools" | "boundaryValue">} parts
 * @param {Point[]} ring
 * @param {number} value
 */
export function drawRing({ document, tools, boundaryValue }, ring, value) {
  const mask = document.current();
  if (!mask || ring.length < 3) return;
  const hasOutline = tools.state.hasOutline && boundaryValue !== value && value !== NULL_CLASS;
  const outline = hasOutline ? boundaryValue : null;
  document.draw(outline === null ? fillPolygon(mask, ring, value) : fillOutlinedPolygon(mask, ring, value, outline));
}

/**
 * @param {ModeParts} parts
 * @returns {Mode}
 */
export function polygonMode({ document, tools, hand, boundaryValue }) {
  /** @type {Point[]} */
  let ring = [];
  /** @type {Point | null} */
  let pointer = null;

  const show = () => hand.showRing(pointer && ring.length ? [...ring, pointer] : ring);
  const clear = () => {
    ring = [];
    show();
  };
  const near = (/** @type {Point} */ a, /** @type {Point} */ b, /** @type {number} */ screenPx) =>
    Math.hypot(a.x - b.x, a.y - b.y) * hand.scale() <= screenPx;

  const fill = () => {
    drawRing({ document, tools, boundaryValue }, ring, tools.state.value);
    clear();
  };

  return {
    cursor: "crosshair",
    enter: clear,
    exit: clear,
    down({ point, isSecondary }) {
      if (!document.isDrawable()) return;
      const [first] = ring;
      if (isSecondary || (first && ring.length >= 3 && near(first, point, CLOSE_PX))) {
        fill();
        return;
      }
      ring.push(point);
      pointer = null;
      show();
    },
    drag({ passed }) {
      for (const point of passed) {
        const last = ring.at(-1);
        if (last && !near(last, point, TRACE_PX)) ring.push(point);
      }
      show();
    },
    hover(point) {
      pointer = point;
      if (ring.length) show();
    },
    finish() {
      // The second click of a double click has set the last corner already.
      fill();
    },
    cancel: clear,
    key(chord) {
      if (!ring.length) return false;
      if (chord === "Enter") fill();
      else if (chord === "Escape") clear();
      else if (chord === "Backspace" || chord === "Ctrl+Z") {
        ring.pop();
        show();
      } else return false;
      return true;
    },
  };
}
