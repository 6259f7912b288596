/**
 * What every mode that draws with a round pointer shares: from down to up is one step of the history.
 *
 * @import {Gesture, Mode, ModeParts} from "./modes.js"
 */

/**
 * @param {ModeParts} parts
 * @param {object} how
 * @param {(gesture: Gesture) => void} how.begin before the first paint of a stroke
 * @param {(gesture: Gesture) => void} how.paint
 * @param {() => void} how.forget where the last stroke was
 * @returns {Mode}
 */
export function strokeMode({ document, tools, hand }, { begin, paint, forget }) {
  return {
    cursor: "none",
    isStroke: true,
    enter: forget,
    exit() {
      hand.showBrush(null, 1);
    },
    down(gesture) {
      begin(gesture);
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
      forget();
    },
    key(chord) {
      if (chord !== "Escape" || !document.isDrawing()) return false;
      document.cancelStroke();
      return true;
    },
  };
}
