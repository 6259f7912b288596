/**
 * Keys run operations; a mode that is in the middle of something gets them first. Space, while held, hides the mask.
 *
 * @import {Bench, Operation} from "./operations.js"
 * @import {Modes} from "../modes/modes.js"
 */
import { belongsToElement, chordOf } from "./chords.js";

/**
 * @typedef {object} Keys
 * @property {() => boolean} isSpaceHeld
 */

/**
 * @param {object} parts
 * @param {Operation[]} parts.operations
 * @param {Bench} parts.bench
 * @param {Modes} parts.modes
 * @param {(operation: Operation) => void} parts.run
 * @param {(isHeld: boolean) => void} parts.onSpace
 * @returns {Keys}
 */
export function listenToKeys({ operations, modes, run, onSpace }) {
  const byChord = new Map(operations.flatMap((operation) => operation.keys.map((key) => [key, operation])));
  let isSpaceHeld = false;
  const setSpace = (/** @type {boolean} */ isHeld) => {
    if (isHeld === isSpaceHeld) return;
    isSpaceHeld = isHeld;
    onSpace(isHeld);
  };

  window.addEventListener("keydown", (event) => {
    const chord = chordOf(event);
    if (belongsToElement(event.target, chord)) return;
    if (chord === "Space") {
      event.preventDefault();
      setSpace(true);
      return;
    }
    if (modes.current()?.key?.(chord)) {
      event.preventDefault();
      return;
    }
    const operation = byChord.get(chord);
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
