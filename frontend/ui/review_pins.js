/**
 * Pinning comments to places of a patch under review, by keyboard alone or with the pointer: a cross is moved to the
 * place, Enter asks what to say there.
 *
 * @import {Point} from "../state/mask.js"
 * @import {PatchView} from "../map/patch_view.js"
 */
import { t } from "../i18n.js";
import { PinMarks } from "../map/pin_marks.js";
import { showCross } from "../map/synchronise.js";
import { SIZE_PX } from "../state/mask.js";
import { find, make } from "./elements.js";

const STEP_PX = 8;
/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class ReviewPins {
  /** @type {{x: number, y: number, text: string}[]} */
  all = [];
  /** @type {Point | null} where the cross is while a place is looked for */
  #at = null;

  /**
   * @param {PatchView[]} views
   * @param {() => void} onChange
   */
  constructor(views, onChange) {
    this.views = views;
    this.onChange = onChange;
    this.marks = views.map((view) => new PinMarks(view));
    this.field = /** @type {HTMLInputElement} */ (find("#pin-text"));
    for (const view of views) view.container.addEventListener("click", (event) => this.#click(view, event));
  }

  get isPlacing() {
    return this.#at !== null;
  }

  /** Begins in the middle, or leaves off. */
  toggle() {
    this.#moveTo(this.#at ? null : { x: SIZE_PX / 2, y: SIZE_PX / 2 });
  }

  /**
   * @param {string} chord
   * @returns {boolean} whether the key was for the cross
   */
  press(chord) {
    if (!this.#at) return false;
    const name = chord.replace("Shift+", "");
    const move = MOVES[name];
    if (move) {
      const step = name === chord ? STEP_PX : 1;
      this.#moveTo({ x: this.#at.x + step * move[0], y: this.#at.y + step * move[1] });
      return true;
    }
    if (chord === "Enter") this.field.focus();
    if (chord === "Escape") this.#moveTo(null);
    return chord === "Enter" || chord === "Escape";
  }

  /** Keeps what the field says at the cross. */
  add() {
    const text = this.field.value.trim();
    if (!this.#at || !text) return;
    this.all.push({ x: Math.floor(this.#at.x), y: Math.floor(this.#at.y), text });
    this.#moveTo(null);
  }

  leave() {
    this.#moveTo(null);
  }

  /**
   * @param {PatchView} view
   * @param {MouseEvent} event
   */
  #click(view, event) {
    const point = this.#at && view.toPatch(event.clientX, event.clientY);
    if (!point || point.x < 0 || point.y < 0 || point.x >= SIZE_PX || point.y >= SIZE_PX) return;
    this.#moveTo(point);
    this.field.focus();
  }

  /** @param {Point | null} at */
  #moveTo(at) {
    const inside = (/** @type {number} */ value) => Math.max(0, Math.min(SIZE_PX - 1, value));
    this.#at = at && { x: inside(at.x), y: inside(at.y) };
    for (const view of this.views) showCross(view, this.#at);
    if (!this.#at) {
      this.field.value = "";
      this.field.blur();
    }
    find("#pin-form").hidden = !this.#at;
    const drop = (/** @type {number} */ index) => {
      this.all.splice(index, 1);
      this.#moveTo(null);
    };
    find("#pins").replaceChildren(
      ...this.all.map(({ text }, i) =>
        make("li", {}, text, " ", make("button", { type: "button", class: "button button--small button--quiet", onclick: () => drop(i) }, t("Take away {number}", { number: i + 1 }))),
      ),
    );
    for (const marks of this.marks) marks.show(this.all);
    this.onChange();
  }
}
