/**
 * Keeps the steps of the open patch in the browser's store, and takes them up again when the patch is opened with the
 * mask that they lead to: the saved one, or the unsaved one that an earlier visit left.
 *
 * @import {EditorDocument} from "../state/document.js"
 * @import {Delta} from "./delta.js"
 * @import {Steps} from "./mask_history.js"
 * @import {StepStore} from "./step_store.js"
 */

export class Recorder {
  #isReading = false;
  /** @type {Steps | null} steps of an earlier visit, until the document shows the mask that they lead to */
  #earlier = null;
  /** @type {readonly Delta[]} */
  #kept = [];
  /** @type {Promise<unknown>} steps are written one after the other */
  #writing = Promise.resolve();

  /**
   * @param {EditorDocument} document
   * @param {StepStore} store
   */
  constructor(document, store) {
    this.document = document;
    this.store = store;
    document.subscribe(({ type }) => {
      if (type === "opened") void this.#open();
      else if (type === "step" || type === "saved") this.#follow();
    });
  }

  /** @returns {Promise<unknown>} when all steps are written */
  written() {
    return this.#writing;
  }

  async #open() {
    const { patch } = this.document;
    this.#isReading = true;
    this.#earlier = null;
    this.#kept = [];
    await this.#writing;
    const earlier = patch && (await this.store.load(patch.id).catch(() => null));
    if (!patch || this.document.patch !== patch) return;
    this.#isReading = false;
    this.#earlier = earlier;
    // Unsaved strokes are brought back after the patch was opened: that step is waited for.
    if (!earlier || this.#takeUp()) this.#record();
  }

  #follow() {
    if (this.#isReading) return;
    if (this.#earlier && !this.#takeUp()) this.#earlier = null;
    this.#record();
  }

  /** @returns {boolean} whether undo leads back over the earlier steps now */
  #takeUp() {
    const earlier = this.#earlier;
    if (!earlier || !this.document.resume(earlier)) return false;
    this.#earlier = null;
    this.#kept = earlier.deltas;
    return true;
  }

  #record() {
    const { patch } = this.document;
    const steps = this.document.steps();
    if (!patch || !steps) return;
    const deltas = [...steps.deltas];
    const changed = deltas.findIndex((delta, i) => delta !== this.#kept[i]);
    const from = changed < 0 ? Math.min(deltas.length, this.#kept.length) : changed;
    this.#kept = deltas;
    // Without a store, undo still reaches back to where the patch was opened.
    this.#writing = this.#writing.then(() => this.store.keep(patch.id, { ...steps, deltas }, from)).catch(() => {});
  }
}
