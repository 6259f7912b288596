/**
 * One patch on the table: its masks, the history of what was drawn, and what the server has of it.
 *
 * @import {Limits} from "../actions/limits.js"
 * @import {Patch} from "../api/types.js"
 * @import {Steps} from "../history/mask_history.js"
 * @import {Mask, Rect} from "./mask.js"
 */
import { NO_LIMITS, obeyInPlace, obeying } from "../actions/limits.js";
import { MaskHistory } from "../history/mask_history.js";
import { FocusClock } from "./focus_clock.js";
import { changedRect, sameMask, wholePatch } from "./mask.js";

/**
 * @typedef {{type: "opened"} | {type: "closed"} | {type: "pixels", rect: Rect} | {type: "step"} | {type: "saved"}
 *   | {type: "resumed"}} DocumentEvent "pixels": the shown mask changed there; "step": the history moved; "resumed":
 *   the steps of an earlier visit lead to the shown mask again
 *
 * @typedef {object} OpenedPatch
 * @property {Patch} patch
 * @property {Mask} mask what editing starts from; it is what the server has, or can make again
 * @property {number} baseNumber the revision that it is, 0 when there is none
 * @property {Mask | null} proposalMask
 */

export class EditorDocument {
  /** @type {Set<(event: DocumentEvent) => void>} */
  #listeners = new Set();
  /** @type {MaskHistory | null} */
  #history = null;
  /** @type {Mask | null} the copy that a stroke under way paints on */
  #working = null;

  /** @type {Patch | null} */
  patch = null;
  baseNumber = 0;
  /** @type {Mask | null} */
  proposalMask = null;
  /** Strokes, fills and resets since the last save. */
  strokes = 0;
  /** No drawing while the mask is being submitted. */
  isLocked = false;
  /** @type {Limits} what strokes and `draw` may overwrite */
  limits = NO_LIMITS;

  /** @param {FocusClock} [clock] */
  constructor(clock = new FocusClock()) {
    this.clock = clock;
  }

  /**
   * @param {(event: DocumentEvent) => void} listener
   * @returns {() => void}
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param {OpenedPatch} opened */
  open({ patch, mask, baseNumber, proposalMask }) {
    this.patch = patch;
    this.baseNumber = baseNumber;
    this.proposalMask = proposalMask;
    this.#history = new MaskHistory(mask);
    this.#working = null;
    this.strokes = 0;
    this.isLocked = false;
    this.clock.reset();
    this.#emit({ type: "opened" });
    this.#emit({ type: "pixels", rect: wholePatch() });
  }

  close() {
    this.patch = null;
    this.proposalMask = null;
    this.#history = null;
    this.#working = null;
    this.clock.pause();
    this.#emit({ type: "closed" });
  }

  /** @returns {Mask | null} what the screen shows */
  mask() {
    return this.#working ?? this.#history?.current() ?? null;
  }

  /** @returns {Mask | null} the last finished step */
  current() {
    return this.#history?.current() ?? null;
  }

  /** @returns {Mask | null} what the server has */
  saved() {
    return this.#history?.saved() ?? null;
  }

  isDirty() {
    return this.#history?.isDirty() ?? false;
  }

  canUndo() {
    return this.#history?.canUndo() ?? false;
  }

  canRedo() {
    return this.#history?.canRedo() ?? false;
  }

  isDrawable() {
    return this.#history !== null && !this.isLocked;
  }

  isDrawing() {
    return this.#working !== null;
  }

  beginStroke() {
    this.#working = this.isDrawable() ? (this.#history?.current().slice() ?? null) : null;
  }

  /**
   * Goes on with the stroke, if it has not been ended by a save, say.
   *
   * @param {(mask: Mask) => Rect | null} painter changes the mask in place and says where
   */
  paint(painter) {
    const before = this.#history?.current();
    if (!this.#working || !before) return;
    const rect = painter(this.#working);
    if (!rect) return;
    obeyInPlace(before, this.#working, this.limits, rect);
    this.#touch(rect);
  }

  /** The stroke becomes one step, unless it changed nothing. */
  endStroke() {
    const drawn = this.#working;
    const before = this.#history?.current();
    this.#working = null;
    if (drawn && before && !sameMask(drawn, before)) this.#step(() => this.#history?.push(drawn));
  }

  cancelStroke() {
    if (!this.#working) return;
    this.#working = null;
    this.#emit({ type: "pixels", rect: wholePatch() });
  }

  /**
   * One step at once.
   *
   * @param {Mask} mask
   * @returns {boolean} whether anything changed
   */
  apply(mask) {
    const before = this.#history?.current();
    if (!this.isDrawable() || !before || sameMask(before, mask)) return false;
    this.cancelStroke();
    this.#show(before, () => this.#step(() => this.#history?.push(mask)));
    return true;
  }

  /**
   * One step at once, within the limits of drawing.
   *
   * @param {Mask} mask
   * @returns {boolean} whether anything changed
   */
  draw(mask) {
    const before = this.#history?.current();
    return before !== undefined && this.apply(obeying(before, mask, this.limits));
  }

  undo() {
    this.#move(() => this.#history?.undo());
  }

  redo() {
    this.#move(() => this.#history?.redo());
  }

  /**
   * The server has this mask as that revision.
   *
   * @param {Mask} mask
   * @param {number} number
   */
  markSaved(mask, number) {
    this.#history?.markSaved(mask);
    this.baseNumber = number;
    this.#emit({ type: "saved" });
  }

  /**
   * Another person's revision takes the place of ours, which stays one undo away.
   *
   * @param {Mask} theirs
   * @param {number} number
   */
  adopt(theirs, number) {
    const before = this.#history?.current();
    if (!before) return;
    this.#show(before, () => this.#history?.push(theirs));
    this.markSaved(theirs, number);
    this.#emit({ type: "step" });
  }

  /** @returns {Steps | null} all that undo and redo reach */
  steps() {
    return this.#history?.steps() ?? null;
  }

  /**
   * Undo and redo go on over the steps of an earlier visit, where these lead to the shown mask and over the saved one.
   *
   * @param {Steps} steps
   * @returns {boolean} whether they do
   */
  resume(steps) {
    const [current, saved] = [this.current(), this.saved()];
    const resumed = current && saved && MaskHistory.resumed(steps, saved);
    if (!resumed || !sameMask(resumed.current(), current)) return false;
    this.#history = resumed;
    this.#emit({ type: "resumed" });
    return true;
  }

  /** @param {() => void} push */
  #step(push) {
    push();
    this.strokes += 1;
    this.#emit({ type: "step" });
  }

  /** @param {() => void} move */
  #move(move) {
    if (this.isLocked) return;
    this.cancelStroke();
    const before = this.mask();
    if (!before) return;
    this.#show(before, () => {
      move();
      this.#emit({ type: "step" });
    });
  }

  /**
   * @param {Mask} before
   * @param {() => void} change
   */
  #show(before, change) {
    change();
    const after = this.#history?.current();
    if (after) this.#touch(changedRect(before, after));
  }

  /** @param {Rect | null} rect */
  #touch(rect) {
    if (rect) this.#emit({ type: "pixels", rect });
  }

  /** @param {DocumentEvent} event */
  #emit(event) {
    for (const listener of this.#listeners) listener(event);
  }
}
