/**
 * Merging two regions: a click on the one whose class stays, and a click on its neighbour.
 *
 * @import {Point} from "../state/mask.js"
 * @import {Mode, ModeParts} from "./modes.js"
 */
import { mergeRegions } from "../actions/regions.js";
import { NOTHING_DRAWN } from "./modes.js";

/**
 * @param {ModeParts} parts
 * @returns {Mode}
 */
export function mergeMode({ document, hand, boundaryValue, tell }) {
  /** @type {Point | null} */
  let first = null;
  const choose = (/** @type {Point | null} */ point) => {
    first = point;
    hand.showRing(point ? [point] : []);
  };
  return {
    cursor: "copy",
    enter: () => choose(null),
    exit: () => choose(null),
    down({ point }) {
      const mask = document.current();
      if (!mask || !document.isDrawable()) return;
      if (!first) {
        choose(point);
        return;
      }
      const answer = mergeRegions(mask, first, point, boundaryValue);
      choose(null);
      if ("why" in answer) tell(answer.why);
      else if (!document.draw(answer.mask)) tell(NOTHING_DRAWN);
    },
    hover(point) {
      if (first) hand.showRing(point ? [first, point] : [first]);
    },
    cancel: () => choose(null),
    key(chord) {
      if (chord !== "Escape" || !first) return false;
      choose(null);
      return true;
    },
  };
}
