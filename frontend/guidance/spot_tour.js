/**
 * A walk through the uncertain spots of a patch, round and round.
 *
 * @import {Spot} from "./uncertain_spots.js"
 */

export class SpotTour {
  /** @type {Spot[]} */
  #spots = [];
  #index = -1;

  get count() {
    return this.#spots.length;
  }

  /** @param {Spot[]} spots of the patch that was opened */
  start(spots) {
    this.#spots = spots;
    this.#index = -1;
  }

  /**
   * @param {1 | -1} direction
   * @returns {{spot: Spot, number: number} | null} counted from 1
   */
  step(direction) {
    if (!this.count) return null;
    // Going back from the start leads to the last spot.
    const from = this.#index < 0 && direction < 0 ? 0 : this.#index;
    this.#index = (from + direction + this.count) % this.count;
    return { spot: /** @type {Spot} */ (this.#spots[this.#index]), number: this.#index + 1 };
  }
}
