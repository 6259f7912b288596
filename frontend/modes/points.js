/**
 * Naming points: a key for each class, Enter for what the model says, Backspace for the point before. The map moves
 * under the pointer as in the mode for moving; a click on an outlined cell asks for that one.
 *
 * @import {Point} from "../state/mask.js"
 * @import {AskedPoints} from "../state/asked_points.js"
 * @import {Mode, ModeParts} from "./modes.js"
 */
import { t } from "../i18n.js";

/** A finger is about so many screen pixels wide. */
const FINGER_PX = 12;

/**
 * @param {Pick<ModeParts, "hand" | "tell">} parts
 * @param {object} asked
 * @param {AskedPoints} asked.points
 * @param {(chord: string) => number | null} asked.valueOf the class whose key it is
 * @returns {Mode}
 */
export function pointsMode({ hand, tell }, { points, valueOf }) {
  /** @type {Point | null} where the pointer went down and has not moved from */
  let pressed = null;
  return {
    cursor: "pointer",
    enter() {
      hand.setPanning(true);
    },
    exit() {
      hand.setPanning(false);
      pressed = null;
    },
    down({ point }) {
      pressed = point;
    },
    drag() {
      pressed = null;
    },
    up() {
      const index = pressed && points.indexAt(pressed, FINGER_PX / hand.scale());
      if (index !== null) points.goTo(index);
    },
    cancel() {
      pressed = null;
    },
    key(chord, isRepeat = false) {
      const value = valueOf(chord);
      if (value === null && chord !== "Enter" && chord !== "Backspace") return false;
      // A key that is held down must not answer for all the points that follow.
      if (isRepeat) return true;
      if (chord === "Backspace") points.back();
      else if (!points.current()) tell(t("All points are answered. Ctrl+Enter submits them."));
      else if (value !== null) points.name(value);
      else if (!points.accept()) tell(t("The model says nothing of this point: name it, or leave it out as unsure."));
      return true;
    },
  };
}
