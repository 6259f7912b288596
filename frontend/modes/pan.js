/**
 * Moving the map instead of drawing: by dragging it, with the arrow keys, or by a double click on what is to come to
 * the middle.
 *
 * @import {Mode, ModeParts} from "./modes.js"
 */

const STEP_PX = 80;

/** @type {Record<string, [dx: number, dy: number]>} */
const ARROWS = { ArrowLeft: [-STEP_PX, 0], ArrowRight: [STEP_PX, 0], ArrowUp: [0, -STEP_PX], ArrowDown: [0, STEP_PX] };

/**
 * @param {Pick<ModeParts, "hand">} parts
 * @returns {Mode}
 */
export function panMode({ hand }) {
  return {
    cursor: "grab",
    enter() {
      hand.setPanning(true);
    },
    exit() {
      hand.setPanning(false);
    },
    finish: hand.centerOn,
    key(chord) {
      const arrow = ARROWS[chord];
      if (arrow) hand.pan(...arrow);
      return arrow !== undefined;
    },
  };
}
