/**
 * Undo and redo of masks, without a limit: each step is kept as what it changed. Whoever pushes a mask never changes
 * it afterwards.
 *
 * @import {Mask} from "../state/mask.js"
 * @import {Delta} from "./delta.js"
 */
import { sameMask } from "../state/mask.js";
import { deltaBetween, withDelta } from "./delta.js";

/**
 * @typedef {object} Steps a history as it is kept in the browser's store
 * @property {Mask} first
 * @property {readonly Delta[]} deltas from one mask to the next
 * @property {number} index the mask that is shown, 0 for the first
 * @property {number | null} savedIndex the one that the server has, null where later steps took its place
 */

/** How many steps around the present one are at hand as whole masks. */
const WHOLE_MASKS = 16;

export class MaskHistory {
  #first;
  /** @type {Delta[]} */
  #deltas = [];
  #index = 0;
  /** @type {number | null} */
  #savedIndex = 0;
  /** @type {Mask} */
  #saved;
  /** @type {Mask} */
  #current;
  /** @type {Map<number, Mask>} */
  #whole;

  /** @param {Mask} initial the mask that is saved already */
  constructor(initial) {
    this.#first = this.#saved = this.#current = initial;
    this.#whole = new Map([[0, initial]]);
  }

  /**
   * @param {Steps} steps
   * @param {Mask} saved what the server has
   * @returns {MaskHistory | null} null where the steps do not lead over what the server has
   */
  static resumed({ first, deltas, index, savedIndex }, saved) {
    const history = new MaskHistory(first);
    history.#deltas = [...deltas];
    if (index > deltas.length || (savedIndex !== null && !sameMask(history.#maskAt(savedIndex), saved))) return null;
    history.#current = history.#maskAt(index);
    history.#index = index;
    history.#whole = new Map([[index, history.#current]]);
    history.#savedIndex = savedIndex;
    history.#saved = saved;
    return history;
  }

  /** @returns {Steps} */
  steps() {
    return { first: this.#first, deltas: this.#deltas, index: this.#index, savedIndex: this.#savedIndex };
  }

  /** @returns {Mask} */
  current() {
    return this.#current;
  }

  /** @returns {Mask} */
  saved() {
    return this.#saved;
  }

  /** Nothing but the place in the history is compared: taking back the last stroke since a save makes it clean again. */
  isDirty() {
    return this.#index !== this.#savedIndex;
  }

  canUndo() {
    return this.#index > 0;
  }

  canRedo() {
    return this.#index < this.#deltas.length;
  }

  /** @param {Mask} mask */
  push(mask) {
    if (mask === this.#current) return;
    this.#deltas.length = this.#index;
    if (this.#savedIndex !== null && this.#savedIndex > this.#index) this.#savedIndex = null;
    for (const index of this.#whole.keys()) if (index > this.#index) this.#whole.delete(index);
    this.#deltas.push(deltaBetween(this.#current, mask));
    this.#show(this.#index + 1, mask);
  }

  /** @returns {Mask} */
  undo() {
    return this.canUndo() ? this.#stepOver(this.#index - 1, this.#index - 1) : this.#current;
  }

  /** @returns {Mask} */
  redo() {
    return this.canRedo() ? this.#stepOver(this.#index, this.#index + 1) : this.#current;
  }

  /** @param {Mask} [mask] what reached the server; a stroke drawn meanwhile stays unsaved */
  markSaved(mask = this.#current) {
    this.#saved = mask;
    this.#savedIndex = this.#indexOf(mask);
  }

  /**
   * @param {number} delta
   * @param {number} to
   */
  #stepOver(delta, to) {
    this.#show(to, this.#whole.get(to) ?? withDelta(this.#current, /** @type {Delta} */ (this.#deltas[delta])));
    return this.#current;
  }

  /**
   * @param {number} index
   * @param {Mask} mask
   */
  #show(index, mask) {
    this.#index = index;
    this.#current = mask;
    this.#whole.set(index, mask);
    for (const far of this.#whole.keys()) if (Math.abs(far - index) > WHOLE_MASKS) this.#whole.delete(far);
  }

  /**
   * @param {Mask} mask
   * @returns {number | null} the last step that led to it
   */
  #indexOf(mask) {
    for (const [index, whole] of [...this.#whole].sort(([a], [b]) => b - a)) if (whole === mask) return index;
    for (let index = this.#deltas.length; index >= 0; index--) if (sameMask(this.#maskAt(index), mask)) return index;
    return null;
  }

  /** @param {number} index */
  #maskAt(index) {
    return this.#deltas.slice(0, index).reduce(withDelta, this.#first);
  }
}
