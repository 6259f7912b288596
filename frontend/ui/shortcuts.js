/**
 * The sheet of shortcuts, on which a person can give an operation another key.
 *
 * @import {Keyed, Keymap} from "../operations/keymap.js"
 */
import { t } from "../i18n.js";
import { chordOf } from "../operations/chords.js";
import { ask } from "./dialogs.js";
import { keyCaps, make } from "./elements.js";

/** @type {Record<string, string>} */
const GROUP_TITLES = {
  tools: t("Drawing"),
  edit: t("Editing"),
  view: t("View"),
  patch: t("Patch"),
  classes: t("Classes"),
  locks: t("Locks"),
  review: t("Review"),
  help: t("Help"),
};

/** What no list of the editor's operations holds. */
export const GESTURES = [
  [t("Alt + wheel"), t("brush size")],
  [t("Alt + click"), t("pick the class under the pointer")],
  [t("Shift + click"), t("straight line from the last stroke")],
  [t("Right button"), t("erase; close a polygon, end a pen line")],
  [t("Shift + click"), t("with the pen: straight, not along edges")],
  [t("Middle button, or Space + drag"), t("move the map")],
  [t("Hold Space"), t("look under the mask")],
  [t("Esc, Backspace"), t("drop the polygon or pen line, its last corner")],
  [t("Arrows, Shift + arrows"), t("a cursor for drawing: by 1 and by 10 pixels")],
  [t("Space, at the cursor"), t("click; brush down and up again")],
  [t("Paste, or drop a file"), t("burn in GeoJSON polygons")],
  [t("Two fingers"), t("move and zoom the map; they never paint")],
  [t("Eraser end of a pen"), t("erase")],
];

/**
 * @param {Keymap<any>} keymap
 * @param {string[][]} gestures of the mouse and the fingers, each with what it does
 * @returns {Promise<unknown>} once it is closed
 */
export function showShortcuts(keymap, gestures) {
  const sheet = new Sheet(keymap);
  return ask({
    title: t("Keyboard shortcuts"),
    body: [sheet.intro, sheet.line, sheet.groups, ...(gestures.length ? [listOf(gestures)] : [])],
    choices: [{ value: "close", label: t("Close"), isPrimary: true }],
    onEscape: "close",
    isWide: true,
  });
}

class Sheet {
  /** @type {{operation: Keyed, button: HTMLButtonElement, asked: string | null} | null} whose new key is waited for */
  #waiting = null;

  /** @param {Keymap<any>} keymap */
  constructor(keymap) {
    this.keymap = keymap;
    this.reset = make("button", { type: "button", class: "button button--small", onclick: () => this.#reset() }, t("All keys as they came"));
    this.intro = make("div", { class: "row" }, make("p", { class: "small" }, t("Press a key’s button to choose another key for it.")), this.reset);
    this.line = make("p", { class: "shortcut-line", role: "status" });
    this.groups = make("div", { class: "shortcut-groups", onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) });
    this.#draw();
  }

  #draw() {
    const { keymap } = this;
    const groups = [...new Set(keymap.operations.map(({ group }) => group))];
    this.groups.replaceChildren(
      ...groups.map((group) =>
        make(
          "section",
          {},
          make("h3", {}, GROUP_TITLES[group] ?? group),
          make("dl", { class: "shortcuts" }, ...keymap.operations.filter((one) => one.group === group).flatMap((one) => this.#row(one))),
        ),
      ),
    );
    this.reset.disabled = !keymap.isChanged();
  }

  /** @param {Keyed} operation */
  #row(operation) {
    const { id, label } = operation;
    const keys = this.keymap.keysOf(operation);
    const button = make(
      "button",
      {
        type: "button",
        class: "shortcut-key",
        "data-key-of": id,
        onclick: (/** @type {MouseEvent} */ { currentTarget }) => this.#wait(operation, /** @type {HTMLButtonElement} */ (currentTarget)),
        onblur: () => this.#stop(),
      },
      make("span", { class: "visually-hidden" }, t("Another key for {label}; now:", { label })),
      " ",
      ...(keys.length ? keys.map(keyCaps) : [t("no key")]),
    );
    return [make("dt", {}, button), make("dd", {}, label)];
  }

  /**
   * @param {Keyed} operation
   * @param {HTMLButtonElement} button
   */
  #wait(operation, button) {
    this.#waiting = { operation, button, asked: null };
    button.classList.add("is-waiting");
    this.#say(t("Press the new key of “{label}”. Esc leaves it as it is.", { label: operation.label }));
  }

  #stop() {
    this.#waiting?.button.classList.remove("is-waiting");
    this.#waiting = null;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const waiting = this.#waiting;
    if (!waiting || event.key === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    const { operation } = waiting;
    const chord = chordOf(event);
    if (chord === "Escape") {
      this.#stop();
      this.#say("");
      return;
    }
    if (["Shift", "Control", "Alt", "Meta", "AltGraph"].includes(event.key)) return;
    if (!this.keymap.isFree(chord)) {
      this.#say(t("{key} cannot be given away: the drawing cursor and the tools need it. Press another key.", { key: chord }));
      return;
    }
    const holder = this.keymap.operationOf(chord);
    if (holder && holder.id !== operation.id && waiting.asked !== chord) {
      waiting.asked = chord;
      this.#say(t("{key} belongs to “{label}”. Press it once more to take it from there, or press another key.", { key: chord, label: holder.label }));
      return;
    }
    this.keymap.set(operation, chord);
    this.#stop();
    this.#draw();
    /** @type {HTMLElement | null} */ (this.groups.querySelector(`[data-key-of="${operation.id}"]`))?.focus();
    this.#say(t("“{label}” has the key {key} now.", { label: operation.label, key: chord }));
  }

  #reset() {
    this.keymap.reset();
    this.#draw();
    this.#say(t("All keys are as they came."));
  }

  /** @param {string} sentence */
  #say(sentence) {
    this.line.textContent = sentence;
  }
}

/** @param {string[][]} gestures */
function listOf(gestures) {
  const rows = gestures.flatMap(([how, what]) => [make("dt", {}, how), make("dd", {}, what)]);
  return make("section", {}, make("h3", {}, t("Mouse, fingers and keys together")), make("dl", { class: "shortcuts shortcuts--gestures" }, ...rows));
}
