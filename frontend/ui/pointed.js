/**
 * The class under the pointer or the keyboard's cursor, in words: no colour has to be told from another.
 *
 * @import {Point} from "../state/mask.js"
 * @import {EditorDocument} from "../state/document.js"
 */
import { t } from "../i18n.js";
import { SIZE_PX, isInside } from "../state/mask.js";
import { find } from "./elements.js";

export class Pointed {
  /** @type {Point | null} */
  #at = null;
  /** @type {number | null} the class that is named: the same words once more would make the page lay itself out anew */
  #shown = null;

  /**
   * @param {EditorDocument} document
   * @param {(value: number) => string} nameOf
   */
  constructor(document, nameOf) {
    this.document = document;
    this.nameOf = nameOf;
  }

  /** @returns {Point | null} on the patch */
  get at() {
    return this.#at && isInside(this.#at.x, this.#at.y) ? this.#at : null;
  }

  /** @returns {number | null} */
  get value() {
    return this.at ? this.valueAt(this.at) : null;
  }

  /**
   * @param {Point} at
   * @returns {number | null}
   */
  valueAt({ x, y }) {
    return isInside(x, y) ? (this.document.mask()?.[Math.floor(y) * SIZE_PX + Math.floor(x)] ?? null) : null;
  }

  /** @param {Point | null} at */
  set(at) {
    this.#at = at;
    const { value } = this;
    if (value === this.#shown) return;
    this.#shown = value;
    find("#pointed").textContent = value === null ? "" : t("Under the pointer: {name}", { name: this.nameOf(value) });
  }
}
