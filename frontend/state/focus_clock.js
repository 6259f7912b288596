/** Counts the seconds that a person really spends on a patch: the page in focus, and a sign of life lately. */

const IDLE_AFTER_MS = 60_000;

export class FocusClock {
  #elapsedMs = 0;
  /** @type {number | null} when the counting stretch began */
  #since = null;
  #lastSignMs = 0;

  /** @param {() => number} [now] milliseconds */
  constructor(now = () => performance.now()) {
    this.now = now;
  }

  /** The person moved, drew or typed in the focused page. */
  signOfLife() {
    const now = this.now();
    this.#close(now);
    this.#lastSignMs = now;
    this.#since = now;
  }

  /** The page lost the focus, or the patch was left. */
  pause() {
    this.#close(this.now());
  }

  /** @returns {number} */
  seconds() {
    const running = this.#since === null ? 0 : this.#stretch(this.now());
    return (this.#elapsedMs + running) / 1000;
  }

  /** @param {number} [seconds] the time that counts already */
  reset(seconds = 0) {
    this.#elapsedMs = seconds * 1000;
    this.#since = this.#since === null ? null : this.now();
  }

  /** @param {number} now */
  #close(now) {
    if (this.#since !== null) this.#elapsedMs += this.#stretch(now);
    this.#since = null;
  }

  /** @param {number} now */
  #stretch(now) {
    const since = /** @type {number} */ (this.#since);
    return Math.max(0, Math.min(now, this.#lastSignMs + IDLE_AFTER_MS) - since);
  }
}
