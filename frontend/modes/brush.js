/**
 * Painting with a round brush; with the null class it is the eraser.
 *
 * @import {Point} from "../state/mask.js"
 * @import {Mode, ModeParts} from "./modes.js"
 */
import { stampSegment } from "../actions/brush.js";
import { NULL_CLASS } from "../state/mask.js";
import { strokeMode } from "./stroke.js";

/**
 * @param {ModeParts} parts
 * @param {{isEraser: boolean}} how
 * @returns {Mode}
 */
export function brushMode(parts, { isEraser }) {
  const { document, tools } = parts;
  /** @type {Point | null} where the last stroke ended: Shift joins it with a straight line */
  let last = null;
  let value = NULL_CLASS;

  return strokeMode(parts, {
    begin({ isSecondary, isShift }) {
      value = isEraser || isSecondary ? NULL_CLASS : tools.state.value;
      if (!isShift) last = null;
    },
    paint({ passed }) {
      for (const point of passed) {
        const from = last ?? point;
        document.paint((mask) => stampSegment(mask, from, point, tools.state.sizePx, value));
        last = point;
      }
    },
    forget() {
      last = null;
    },
  });
}
