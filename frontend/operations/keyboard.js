/**
 * Keys run operations; the keyboard's cursor and a mode that is in the middle of something get them first. Space,
 * while held, hides the mask, unless the cursor draws with it.
 *
 * @import {Operation} from "./bench.js"
 * @import {Keymap} from "./keymap.js"
 * @import {KeyboardCursor} from "../modes/keyboard_cursor.js"
 * @import {Modes} from "../modes/modes.js"
 */
import { belongsToElement, chordOf } from "./chords.js";

/**
 * @typedef {object} Keys
 * @property {() => boolean} isSpaceHeld
 */

/**
 * @param {object} parts
 * @param {Keymap<Operation>} parts.keymap
 * @param {Modes} parts.modes
 * @param {KeyboardCursor} parts.cursor
 * @param {(operation: Operation) => void} parts.run
 * @param {(isHeld: boolean) => void} parts.onSpace
 * @returns {Keys}
 */
export function listenToKeys({ keymap, modes, cursor, run, onSpace }) {
  let isSpaceHeld = false;
  const setSpace = (/** @type {boolean} */ isHeld) => {
    if (isHeld === isSpaceHeld) return;
    isSpaceHeld = isHeld;
    onSpace(isHeld);
  };

  window.addEventListener("keydown", (event) => {
    const chord = chordOf(event);
    if (belongsToElement(event.target, chord)) return;
    // A held Space must not put the brush down and lift it again and again.
    const isHeldSpace = event.repeat && event.key === " ";
    if (modes.current()?.key?.(chord, event.repeat)) {
      event.preventDefault();
      if (chord === "Escape") cursor.leave();
      return;
    }
    if (!isSpaceHeld && !isHeldSpace && cursor.key(chord)) {
      event.preventDefault();
      return;
    }
    if (chord === "Space") {
      event.preventDefault();
      if (!event.repeat) setSpace(true);
      return;
    }
    const operation = keymap.operationOf(chord);
    if (!operation) return;
    event.preventDefault();
    // Holding a key down repeats steps, never a submission.
    if (event.repeat && operation.group === "patch") return;
    run(operation);
  });
  window.addEventListener("keyup", (event) => {
    if (event.key === " ") setSpace(false);
  });
  window.addEventListener("blur", () => setSpace(false));
  return { isSpaceHeld: () => isSpaceHeld };
}
