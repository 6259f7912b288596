/**
 * The comments that a reviewer has pinned to places of the patch: on the map and as a list in which each is shown,
 * answered and called done.
 *
 * @import {Patch, Pin} from "../api/types.js"
 * @import {PatchView} from "../map/patch_view.js"
 */
import * as api from "../api/milpa.js";
import { explain } from "../api/errors.js";
import { t } from "../i18n.js";
import { PinMarks } from "../map/pin_marks.js";
import { find, make } from "./elements.js";
import { tell } from "./toasts.js";

export class PinnedComments {
  /** @type {Pin[]} */
  #pins = [];

  /** @param {PatchView} view */
  constructor(view) {
    this.view = view;
    this.marks = new PinMarks(view);
  }

  /** @param {Patch | null} patch */
  show(patch) {
    this.#pins = patch?.pins ?? [];
    this.#refresh();
  }

  #refresh() {
    const list = find("#pins");
    list.hidden = !this.#pins.length;
    list.replaceChildren(...this.#pins.map((pin, i) => this.#row(pin, i + 1)));
    this.marks.show(this.#pins);
  }

  /**
   * @param {Pin} pin
   * @param {number} number
   */
  #row(pin, number) {
    const field = make("input", { "aria-label": t("Answer to comment {number}", { number }), maxlength: "1000", value: pin.answer });
    const answer = () => this.#do(async () => Object.assign(pin, await api.answerPin(pin.id, field.value)));
    const done = () => this.#do(async () => {
      await api.resolvePin(pin.id);
      this.#pins = this.#pins.filter((other) => other !== pin);
    });
    return make(
      "li",
      { class: "pin" },
      make("button", { type: "button", class: "pin-text", onclick: () => this.view.lookAt(pin) }, make("span", { class: "pin-number" }, String(number)), pin.text),
      make(
        "form",
        { class: "pin-answer", onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), answer()) },
        field,
        make("button", { type: "submit", class: "button button--small" }, t("Answer")),
        make("button", { type: "button", class: "button button--small", onclick: done }, t("Done")),
      ),
    );
  }

  /** @param {() => Promise<unknown>} verb */
  async #do(verb) {
    try {
      await verb();
      this.#refresh();
    } catch (error) {
      const { title, sentence } = explain(error);
      tell(`${title}. ${sentence}`, "warning");
    }
  }
}
