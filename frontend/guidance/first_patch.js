/**
 * The guide for newcomers: a few steps over the patch on the table, each done by the person's own action.
 *
 * @import {Bench} from "../operations/bench.js"
 */
import { t } from "../i18n.js";
import { OPERATIONS } from "../operations/operations.js";

/**
 * @typedef {object} Step
 * @property {string} id
 * @property {string} title
 * @property {(keyOf: (operation: string) => string) => string} text
 * @property {string} target a selector of what the step is about
 * @property {(action: string) => boolean} isDone whether this action is the one that the step waits for
 * @property {(bench: Bench) => boolean} [isPossible] a step that is not is left out
 */

/** Actions are the ids of operations that were run, and these two of the pointer. */
export const LOOKED = "looked";
export const DREW = "drew";

/** @type {Step[]} */
export const STEPS = [
  {
    id: "look",
    title: t("Look under the mask"),
    text: (keyOf) => t("The colours on the image are a mask: what is field, boundary, water. Hide it to see the ground: press {key}, or hold Space.", { key: keyOf("hide") }),
    target: '[data-operation="hide"]',
    isDone: (action) => action === LOOKED || action === "hide",
  },
  {
    id: "spot",
    title: t("Go where the model was unsure"),
    text: (keyOf) => t("The model knows where it may be wrong. Press {key}, or this button: the map goes to the least certain spot.", { key: keyOf("nextSpot") }),
    target: '[data-operation="nextSpot"]',
    isDone: (action) => action === "nextSpot" || action === "lastSpot",
    isPossible: ({ tour }) => tour.count > 0,
  },
  {
    id: "class",
    title: t("Choose a class"),
    text: () => t("What is there really? Click its name in this list, or press its number."),
    target: "#classes",
    isDone: (action) => action.startsWith("class-"),
  },
  {
    id: "draw",
    title: t("Draw it"),
    text: () => t("Draw over what is wrong, with the mouse, a finger or a pen. The arrow keys and Space draw too."),
    target: "#toolbar-tools",
    isDone: (action) => action === DREW,
  },
  {
    id: "undo",
    title: t("Take it back"),
    text: (keyOf) => t("Nothing is lost here: press {key}, or this button, to take your stroke back.", { key: keyOf("undo") }),
    target: '[data-operation="undo"]',
    isDone: (action) => action === "undo",
  },
  {
    id: "redo",
    title: t("And bring it again"),
    text: (keyOf) => t("{key} brings the stroke again.", { key: keyOf("redo") }),
    target: '[data-operation="redo"]',
    isDone: (action) => action === "redo",
  },
  {
    id: "save",
    title: t("Save a draft"),
    text: (keyOf) => t("Press {key}, or this button. You can leave and come back: your work is here.", { key: keyOf("save") }),
    target: '[data-operation="save"]',
    isDone: (action) => action === "save" || action === "submit",
  },
  {
    id: "end",
    title: t("Now it is yours"),
    text: (keyOf) => t("When the whole patch is right, submit it with {submit}; the next one follows. {help} shows all keys.", { submit: keyOf("submit"), help: keyOf("shortcuts") }),
    target: '[data-operation="submit"]',
    isDone: (action) => action === "submit",
  },
];

export class FirstPatch {
  #index = -1;
  /** @type {Set<(end: "done" | "left" | null) => void>} */
  #listeners = new Set();

  /** @param {Bench} bench */
  constructor(bench) {
    this.bench = bench;
  }

  /** @param {(end: "done" | "left" | null) => void} listener told of each step, and how the guide ended */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /** @returns {{step: Step, number: number, total: number, text: string} | null} */
  current() {
    const step = STEPS[this.#index];
    if (!step) return null;
    // A step counts once it can be done: what it needs may still be on its way.
    const counted = STEPS.filter((one) => one === step || this.#isPossible(one));
    return { step, number: counted.indexOf(step) + 1, total: counted.length, text: step.text((id) => this.#keyOf(id)) };
  }

  /** From the first step; a guide under way begins again. */
  start() {
    this.#index = 0;
    this.#tell(null);
  }

  /** @param {string} action that the person has done */
  see(action) {
    if (this.current()?.step.isDone(action)) this.next();
  }

  /** Goes on, done or not, to the next step that this patch has something for. */
  next() {
    if (!this.current()) return;
    const ahead = STEPS.slice(this.#index + 1).findIndex((step) => this.#isPossible(step));
    this.#index = ahead < 0 ? STEPS.length : this.#index + 1 + ahead;
    this.#tell(this.current() ? null : "done");
  }

  leave() {
    if (!this.current()) return;
    this.#index = -1;
    this.#tell("left");
  }

  /** @param {Step} step */
  #isPossible({ isPossible }) {
    return isPossible?.(this.bench) ?? true;
  }

  /** @param {string} id of an operation */
  #keyOf(id) {
    const operation = OPERATIONS.find((one) => one.id === id);
    return (operation && this.bench.keymap.keysOf(operation)[0]) || t("no key");
  }

  /** @param {"done" | "left" | null} end */
  #tell(end) {
    for (const listener of this.#listeners) listener(end);
  }
}
