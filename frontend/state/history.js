/**
 * Undo and redo over immutable values. Whoever pushes a value never changes it afterwards.
 *
 * @template T
 */
export class History {
  /** @type {T[]} */
  #entries;
  #index = 0;
  /** @type {T} */
  #saved;
  #limit;

  /**
   * @param {T} initial the value that is saved already
   * @param {number} [limit] how many values are kept
   */
  constructor(initial, limit = 200) {
    this.#entries = [initial];
    this.#saved = initial;
    this.#limit = limit;
  }

  /** @returns {T} */
  current() {
    return /** @type {T} */ (this.#entries[this.#index]);
  }

  /** @returns {T} */
  saved() {
    return this.#saved;
  }

  /** Nothing but identity is compared: taking back the last stroke since a save makes it clean again. */
  isDirty() {
    return this.current() !== this.#saved;
  }

  canUndo() {
    return this.#index > 0;
  }

  canRedo() {
    return this.#index < this.#entries.length - 1;
  }

  /** @param {T} value */
  push(value) {
    if (value === this.current()) return;
    this.#entries.length = this.#index + 1;
    this.#entries.push(value);
    if (this.#entries.length > this.#limit) this.#entries.shift();
    this.#index = this.#entries.length - 1;
  }

  /** @returns {T} */
  undo() {
    if (this.canUndo()) this.#index--;
    return this.current();
  }

  /** @returns {T} */
  redo() {
    if (this.canRedo()) this.#index++;
    return this.current();
  }

  /** @param {T} [value] what reached the server; a stroke drawn meanwhile stays unsaved */
  markSaved(value = this.current()) {
    this.#saved = value;
  }
}
