/**
 * The mode that the pointer is in. A mode sees points in patch pixels and knows neither the map nor the page.
 *
 * @import {Point} from "../state/mask.js"
 * @import {EditorDocument} from "../state/document.js"
 * @import {Store} from "../state/store.js"
 * @import {Tools} from "../state/tools.js"
 * @import {Analysis} from "../vision/analysis.js"
 */
import { t } from "../i18n.js";

/**
 * @typedef {object} Gesture
 * @property {Point} point
 * @property {Point[]} passed all points since the last event, `point` last
 * @property {boolean} isShift
 * @property {boolean} isSecondary the right button
 *
 * @typedef {object} Mode
 * @property {string} cursor a CSS cursor, for a mode whose icon is no cursor
 * @property {boolean} [isStroke] what happens between down and up counts, not the click alone
 * @property {() => void} enter
 * @property {() => void} exit
 * @property {(gesture: Gesture) => void} [down]
 * @property {(gesture: Gesture) => void} [drag]
 * @property {(point: Point | null) => void} [hover] null: the pointer left
 * @property {() => void} [up]
 * @property {() => void} [cancel]
 * @property {(point: Point) => void} [finish] a double click
 * @property {(chord: string, isRepeat?: boolean) => boolean} [key] whether the mode took the key; a held key repeats
 *
 * @typedef {object} Hand what modes may do to the screen
 * @property {(at: Point | null, sizePx: number) => void} showBrush
 * @property {(ring: Point[]) => void} showRing
 * @property {(isOn: boolean) => void} setPanning
 * @property {(dx: number, dy: number) => void} pan by screen pixels
 * @property {(point: Point) => void} centerOn
 * @property {() => number} scale screen pixels a patch pixel
 *
 * @typedef {object} ModeParts
 * @property {EditorDocument} document
 * @property {Store<Tools>} tools
 * @property {Hand} hand
 * @property {number | null} boundaryValue
 * @property {() => Analysis | null} analysis of the imagery, once it has been read
 * @property {(sentence: string) => void} tell
 */

/** Told where a click on a region drew nothing. */
export const NOTHING_DRAWN = t("Nothing changed: the class is there already, or it may not be overwritten.");

export class Modes {
  /** @param {Record<string, Mode>} modes */
  constructor(modes) {
    this.modes = modes;
    this.id = "";
  }

  /** @returns {Mode | undefined} */
  current() {
    return this.modes[this.id];
  }

  /** @param {string} id */
  set(id) {
    if (id === this.id || !(id in this.modes)) return;
    this.current()?.exit();
    this.id = id;
    this.current()?.enter();
  }
}
