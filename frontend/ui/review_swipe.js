/**
 * The proposal over the revision, parted by a line that the arrow keys move; else all views beside each other.
 *
 * @import {PatchView} from "../map/patch_view.js"
 */
import { find } from "./elements.js";

const STEP = 0.05;

export class ReviewSwipe {
  isOn = false;
  #share = 0.5;

  /** @param {PatchView[]} views */
  constructor(views) {
    this.views = views;
  }

  toggle() {
    this.isOn = !this.isOn;
    find(".review-views").classList.toggle("is-swiped", this.isOn);
    for (const { map } of this.views) map.invalidateSize({ animate: false });
    for (const view of this.views) view.center();
    this.#part();
  }

  /**
   * @param {string} chord
   * @returns {boolean} whether the key moved the line
   */
  press(chord) {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP }[chord];
    if (!this.isOn || step === undefined) return false;
    this.#share = Math.max(0, Math.min(1, this.#share + step));
    this.#part();
    return true;
  }

  #part() {
    find(".review-views").style.setProperty("--swipe", `${100 * this.#share}%`);
  }
}
