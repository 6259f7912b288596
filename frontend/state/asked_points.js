/**
 * The points of a patch: cells that the annotator is asked to name one after the other, where a project asks for
 * points rather than whole patches. All other land stays unsure unless somebody paints it.
 *
 * Nothing is kept beside the mask: naming a point is a step like any other, and which points are named is read from
 * the mask, so that undo, drafts and a reload go on where the person was.
 *
 * @import {Patch} from "../api/types.js"
 * @import {EditorDocument} from "./document.js"
 * @import {Mask, Point, Rect} from "./mask.js"
 */
import { PIXEL_COUNT, SIZE_PX, UNSURE, emptyMask } from "./mask.js";

/**
 * @typedef {object} AskedPoint
 * @property {number} number counted from 1
 * @property {Rect} rect the cell in patch pixels
 * @property {Point} center
 * @property {number} named the class that it has, `UNSURE` for none
 * @property {number} proposed what the model says of it, `UNSURE` for nothing
 */

/** @param {Patch | null} patch */
export function asksForPoints(patch) {
  return patch?.asks_for === "points";
}

/**
 * @param {Patch | null} patch
 * @returns {Mask} with nothing said: unsure where only points are asked for, the null class elsewhere
 */
export function blankMask(patch) {
  return asksForPoints(patch) ? new Uint8Array(PIXEL_COUNT).fill(UNSURE) : emptyMask();
}

/**
 * @param {Patch} patch
 * @param {Mask | null} proposalMask
 * @returns {Mask} what editing starts from where nobody has saved anything
 */
export function startingMask(patch, proposalMask) {
  return asksForPoints(patch) ? blankMask(patch) : (proposalMask ?? emptyMask());
}

/**
 * @param {Mask} mask
 * @param {Mask} answers
 * @returns {Mask} unsure wherever the answers are, so that the two differ only in what somebody said
 */
export function whereAnswered(mask, answers) {
  return mask.map((value, i) => (answers[i] === UNSURE ? UNSURE : value));
}

export class AskedPoints {
  /** @type {Rect[]} */
  #cells = [];
  #index = 0;
  /** @type {number[]} the class of each point when it was last looked at */
  #named = [];
  #isNaming = false;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {EditorDocument} document */
  constructor(document) {
    this.document = document;
    document.subscribe(({ type }) => {
      if (type === "opened") this.#open();
      else if (type === "closed") this.#close();
      else if (type === "step" && this.count && !this.#isNaming) this.#follow();
    });
  }

  /** @param {() => void} listener told when there are other points, another one is asked for, or one is named */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  get count() {
    return this.#cells.length;
  }

  /** How many points have a class. */
  get namedCount() {
    return this.#named.filter((value) => value !== UNSURE).length;
  }

  /** @returns {AskedPoint | null} the one that is asked for now, null after the last one */
  current() {
    return this.all()[this.#index] ?? null;
  }

  /** @returns {AskedPoint[]} in the order of asking */
  all() {
    const { proposalMask } = this.document;
    return this.#cells.map((rect, i) => ({
      number: i + 1,
      rect,
      center: { x: (rect.x0 + rect.x1) / 2, y: (rect.y0 + rect.y1) / 2 },
      named: this.#named[i] ?? UNSURE,
      proposed: proposalMask ? classIn(proposalMask, rect) : UNSURE,
    }));
  }

  /**
   * Gives the point a class, as one step, and goes on to the next. `UNSURE` leaves it out.
   *
   * @param {number} value
   * @returns {boolean} false where there is no point to name or nothing may be drawn
   */
  name(value) {
    const rect = this.#cells[this.#index];
    const mask = this.document.current();
    if (!rect || !mask || !this.document.isDrawable()) return false;
    const drawn = mask.slice();
    for (let y = rect.y0; y < rect.y1; y++) drawn.fill(value, y * SIZE_PX + rect.x0, y * SIZE_PX + rect.x1);
    this.#isNaming = true;
    // The locks of the other tools are no answer to a question.
    this.document.apply(drawn);
    this.#isNaming = false;
    this.#named = this.#read();
    this.goTo(this.#index + 1);
    return true;
  }

  /**
   * Goes on, with what the model says unless the point has a name already.
   *
   * @returns {boolean} false where the model says nothing of an unnamed point, or there is none
   */
  accept() {
    const point = this.current();
    if (!point) return false;
    if (point.named !== UNSURE) {
      this.goTo(this.#index + 1);
      return true;
    }
    return point.proposed !== UNSURE && this.name(point.proposed);
  }

  /** @returns {boolean} false at the first point */
  back() {
    if (this.#index === 0) return false;
    this.goTo(this.#index - 1);
    return true;
  }

  /** @param {number} index from 0; the count itself is after the last point */
  goTo(index) {
    this.#index = Math.max(0, Math.min(this.count, index));
    this.#tell();
  }

  /**
   * @param {Point} point
   * @param {number} slackPx how far beside a cell still means it
   * @returns {number | null} the index of the nearest point there
   */
  indexAt(point, slackPx = 0) {
    /** @type {number | null} */
    let best = null;
    let nearest = slackPx;
    this.#cells.forEach(({ x0, y0, x1, y1 }, i) => {
      const beside = Math.max(x0 - point.x, point.x - x1, y0 - point.y, point.y - y1, 0);
      if (beside <= nearest && (best === null || beside < nearest)) {
        best = i;
        nearest = beside;
      }
    });
    return best;
  }

  #open() {
    const { patch } = this.document;
    const cellPx = SIZE_PX / (patch?.proposal?.entropy_rows ?? 64);
    const asked = asksForPoints(patch) ? (patch?.points ?? []) : [];
    this.#cells = asked.map(([row, col]) => ({ x0: col * cellPx, y0: row * cellPx, x1: (col + 1) * cellPx, y1: (row + 1) * cellPx }));
    this.#named = this.#read();
    this.goTo(this.#next());
  }

  #close() {
    this.#cells = [];
    this.#named = [];
    this.goTo(0);
  }

  /** Undo, redo, the brush or a draft of an earlier visit changed the mask: the person is where that happened. */
  #follow() {
    const before = this.#named;
    this.#named = this.#read();
    const changed = this.#named.flatMap((value, i) => (value === before[i] ? [] : [i]));
    const [only] = changed;
    if (changed.length > 1) this.goTo(this.#next());
    else if (only !== undefined) this.goTo(only);
    else this.#tell();
  }

  /** The point after the last named one, or the first that was left out where that was the last of all. */
  #next() {
    const next = this.#named.findLastIndex((value) => value !== UNSURE) + 1;
    const left = this.#named.indexOf(UNSURE);
    return next < this.count || left < 0 ? next : left;
  }

  /** @returns {number[]} */
  #read() {
    const mask = this.document.current();
    return this.#cells.map((rect) => (mask ? classIn(mask, rect) : UNSURE));
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}

/**
 * @param {Mask} mask
 * @param {Rect} rect
 * @returns {number} the class that most of the pixels have, of those that have one; else `UNSURE`
 */
function classIn(mask, { x0, y0, x1, y1 }) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const value = /** @type {number} */ (mask[y * SIZE_PX + x]);
      if (value !== UNSURE) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? UNSURE;
}
