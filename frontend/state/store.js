/**
 * A small observable record.
 *
 * @template {object} T
 */
export class Store {
  /** @type {Set<(state: T, changed: Partial<T>) => void>} */
  #listeners = new Set();

  /** @param {T} initial */
  constructor(initial) {
    this.state = initial;
  }

  /** @param {Partial<T>} changes */
  set(changes) {
    this.state = { ...this.state, ...changes };
    for (const listener of this.#listeners) listener(this.state, changes);
  }

  /**
   * @param {(state: T, changed: Partial<T>) => void} listener called at once and after each change
   * @returns {() => void} stops it
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    listener(this.state, this.state);
    return () => this.#listeners.delete(listener);
  }
}
