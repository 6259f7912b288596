/**
 * Operations of a page whose buttons the server has written: keys that the person may change, why one cannot be done
 * now, and which switches are on. The words of a button are its operation's name.
 */
import { t } from "../i18n.js";
import { belongsToElement, chordOf } from "../operations/chords.js";
import { Keymap, storedKeys } from "../operations/keymap.js";
import { keyCaps } from "./elements.js";
import { showShortcuts } from "./shortcuts.js";
import { tell } from "./toasts.js";

/**
 * @typedef {object} PageOperation
 * @property {string} id
 * @property {string[]} keys as they come
 * @property {() => unknown} run
 * @property {string} [label] where it has no button
 * @property {() => string | null} [why] why it is not possible now
 * @property {() => boolean} [isOn] for a switch
 *
 * @typedef {Required<Pick<PageOperation, "label">> & PageOperation & {group: "review" | "help"}} Named
 */

export class PageOperations {
  /** @type {Keymap<Named>} */
  #keymap;

  /**
   * @param {PageOperation[]} operations
   * @param {object} page
   * @param {string} page.name keys are chosen for each kind of page apart
   * @param {string} page.person and for each person
   * @param {(chord: string, event: KeyboardEvent) => boolean} page.press takes a key before any operation does
   */
  constructor(operations, { name, person, press }) {
    /** @type {PageOperation} */
    const shortcuts = { id: "shortcuts", keys: ["?"], run: () => showShortcuts(this.#keymap, []) };
    /** @type {Named[]} */
    const named = [...operations, shortcuts].map((one) => ({ ...one, label: one.label ?? labelOf(one.id), group: one === shortcuts ? "help" : "review" }));
    this.#keymap = new Keymap(named, storedKeys(globalThis.localStorage ?? null, `${person}-${name}`));
    this.#keymap.subscribe(() => this.#showKeys());
    for (const one of named) for (const button of buttonsOf(one.id)) button.addEventListener("click", () => this.run(one.id));
    // Before the map, which would be moved by an arrow as well.
    globalThis.addEventListener("keydown", (event) => this.#key(event, press), { capture: true });
    this.#showKeys();
  }

  /** @param {string} id */
  run(id) {
    const operation = this.#keymap.operations.find((one) => one.id === id);
    const why = operation?.why?.();
    if (why) tell(why);
    else void operation?.run();
  }

  /** What can be done, and what is on, may have changed. */
  refresh() {
    for (const { id, isOn, why } of this.#keymap.operations) {
      const reason = why?.() ?? null;
      for (const button of buttonsOf(id)) {
        button.setAttribute("aria-disabled", String(reason !== null));
        if (reason) button.setAttribute("title", reason);
        else button.removeAttribute("title");
        if (isOn) button.setAttribute("aria-pressed", String(isOn()));
      }
    }
  }

  #showKeys() {
    for (const operation of this.#keymap.operations) {
      const [key] = this.#keymap.keysOf(operation);
      for (const button of buttonsOf(operation.id)) {
        button.querySelector("kbd, .keys")?.remove();
        button.append(key ? keyCaps(key) : "");
      }
    }
  }

  /**
   * @param {KeyboardEvent} event
   * @param {(chord: string, event: KeyboardEvent) => boolean} press
   */
  #key(event, press) {
    const chord = chordOf(event);
    const isElements = belongsToElement(event.target, chord);
    const operation = isElements || event.repeat ? undefined : this.#keymap.operationOf(chord);
    const isTaken = press(chord, event);
    if (!isTaken && !operation) return;
    event.preventDefault();
    if (isTaken) event.stopPropagation();
    else if (operation) this.run(operation.id);
  }
}

/**
 * @param {string} id
 * @returns {NodeListOf<HTMLElement>}
 */
function buttonsOf(id) {
  return document.querySelectorAll(`[data-operation="${id}"]`);
}

/** @param {string} id */
function labelOf(id) {
  if (id === "shortcuts") return t("Keyboard shortcuts");
  const words = [...(buttonsOf(id)[0]?.childNodes ?? [])].filter((node) => node.nodeType === Node.TEXT_NODE);
  return words.map(({ textContent }) => textContent).join("").trim();
}
