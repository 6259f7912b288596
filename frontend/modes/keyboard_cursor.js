/**
 * Drawing without a pointer: arrow keys move a cursor over the patch, and Space clicks, or puts the brush down and
 * lifts it again.
 *
 * @import {Point} from "../state/mask.js"
 * @import {Gesture, Modes} from "./modes.js"
 */
import { SIZE_PX } from "../state/mask.js";

/** @type {Record<string, [dx: number, dy: number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const LONG_STEP_PX = 10;

export class KeyboardCursor {
  /** @type {Point | null} */
  #at = null;
  #isDown = false;

  /**
   * @param {object} parts
   * @param {Modes} parts.modes
   * @param {() => boolean} parts.isDrawable
   * @param {() => Point | null} parts.from where the pointer was last
   * @param {(at: Point | null) => void} parts.show
   */
  constructor({ modes, isDrawable, from, show }) {
    this.modes = modes;
    this.isDrawable = isDrawable;
    this.from = from;
    this.show = show;
  }

  /**
   * @param {string} chord
   * @returns {boolean} whether the cursor took the key
   */
  key(chord) {
    const name = chord.replace(/^Shift\+/, "");
    const arrow = ARROWS[name];
    if (arrow && this.isDrawable()) {
      this.#move(arrow, name === chord ? 1 : LONG_STEP_PX);
      return true;
    }
    if (!this.#at) return false;
    if (name === "Space") this.#press(chord !== name);
    else if (chord === "Escape") this.leave();
    else return false;
    return true;
  }

  /** The pointer, or another mode, takes over; a stroke under way ends as it is. */
  leave() {
    if (!this.#at) return;
    if (this.#isDown) this.modes.current()?.up?.();
    this.#isDown = false;
    this.#at = null;
    this.modes.current()?.hover?.(null);
    this.show(null);
  }

  /**
   * @param {[dx: number, dy: number]} arrow
   * @param {number} stepPx
   */
  #move([dx, dy], stepPx) {
    const from = this.#at ?? this.from() ?? { x: SIZE_PX / 2, y: SIZE_PX / 2 };
    const clamp = (/** @type {number} */ at) => Math.max(0.5, Math.min(SIZE_PX - 0.5, Math.floor(at) + 0.5));
    this.#at = { x: clamp(from.x + dx * stepPx), y: clamp(from.y + dy * stepPx) };
    const mode = this.modes.current();
    if (this.#isDown) mode?.drag?.(this.#gesture(this.#at, false));
    mode?.hover?.(this.#at);
    this.show(this.#at);
  }

  /** @param {boolean} isShift */
  #press(isShift) {
    const mode = this.modes.current();
    if (!this.#at || !mode?.down || !this.isDrawable()) return;
    if (this.#isDown) {
      this.#isDown = false;
      mode.up?.();
      return;
    }
    mode.down(this.#gesture(this.#at, isShift));
    if (mode.isStroke) this.#isDown = true;
    else mode.up?.();
  }

  /**
   * @param {Point} point
   * @param {boolean} isShift
   * @returns {Gesture}
   */
  #gesture(point, isShift) {
    return { point, passed: [point], isShift, isSecondary: false };
  }
}
