/**
 * Moving the map instead of drawing.
 *
 * @import {Mode, ModeParts} from "./modes.js"
 */

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
  };
}
