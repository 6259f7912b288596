/**
 * Painting with a round brush; with the null class it is the eraser.
 *
 * @import {Point} from "../state/mask.js"
 * @import {Gesture, Mode, ModeParts} from "./modes.js"
 */
import { stampSegment } from "../actions/brush.js";
import { NULL_CLASS } from "../state/mask.js";

/**
 * @param {ModeParts} parts
 * @param {{isEraser: boolean}} how
 * @returns {Mode}
 */
export function brushMode({ document, tools, hand }, { isEraser }) {
  /** @type {Point | null} where the last stroke ended: Shift joins it with a straight line */
  let last = null;
  let value = NULL_CLASS;

  /** @param {Gesture} gesture */
  const paint = ({ passed }) => {
    for (const point of passed) {
      const from = last ?? point;
      document.paint((mask) => stampSegment(mask, from, point, tools.state.sizePx, value));
      last = point;
    }
  };

  return {
    cursor: "none",
    isStroke: true,
    enter() {
      last = null;
    },
    exit() {
      hand.showBrush(null, 1);
    },
    down(gesture) {
      value = isEraser || gesture.isSecondary ? NULL_CLASS : tools.state.value;
      if (!gesture.isShift) last = null;
      document.beginStroke();
      paint(gesture);
    },
    drag: paint,
    hover(point) {
      hand.showBrush(point, tools.state.sizePx);
    },
    up() {
      document.endStroke();
    },
    cancel() {
      document.cancelStroke();
      last = null;
    },
    key(chord) {
      if (chord !== "Escape" || !document.isDrawing()) return false;
      document.cancelStroke();
      return true;
    },
  };
}
