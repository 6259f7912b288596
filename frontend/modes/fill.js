/**
 * Giving a whole connected region the chosen class with one click.
 *
 * @import {Mode, ModeParts} from "./modes.js"
 */
import { floodFill } from "../actions/fill.js";
import { NULL_CLASS } from "../state/mask.js";
import { NOTHING_DRAWN } from "./modes.js";

/**
 * @param {ModeParts} parts
 * @returns {Mode}
 */
export function fillMode({ document, tools, tell }) {
  return {
    cursor: "cell",
    enter() {},
    exit() {},
    down({ point, isSecondary }) {
      const mask = document.current();
      if (!mask || !document.isDrawable()) return;
      if (!document.draw(floodFill(mask, point, isSecondary ? NULL_CLASS : tools.state.value))) tell(NOTHING_DRAWN);
    },
  };
}
