/**
 * Drawing a polygon corner by corner, or around a field with the button held; it is filled with the chosen class.
 *
 * @import {Point} from "../state/mask.js"
 * @import {Mode, ModeParts} from "./modes.js"
 */
import { fillOutlinedPolygon, fillPolygon } from "../actions/polygon.js";

/** How near to the first corner a click closes the ring, and how far apart traced corners are, in screen pixels. */
const CLOSE_PX = 9;
const TRACE_PX = 4;

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
    const mask = document.current();
    const { value, hasOutline } = tools.state;
    const outline = hasOutline && boundaryValue !== value && value !== 0 ? boundaryValue : null;
    if (mask && ring.length >= 3) {
      document.apply(outline === null ? fillPolygon(mask, ring, value) : fillOutlinedPolygon(mask, ring, value, outline));
    }
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
