/**
 * Buttons for operations. A button that cannot be used stays reachable and says why.
 *
 * @import {Bench, Operation} from "../operations/bench.js"
 */
import { icon } from "./icons.js";
import { keyCaps, make } from "./elements.js";

/**
 * @typedef {object} OperationButton
 * @property {HTMLButtonElement} element
 * @property {() => void} refresh
 */

/**
 * @param {Operation} operation
 * @param {Bench} bench
 * @param {(operation: Operation) => void} run
 * @param {{class: string, hasIcon?: boolean, content?: Node[], noKey?: string}} look how it looks: an icon, or content and the
 *   key; `noKey` stands where there is no key
 * @returns {OperationButton}
 */
export function operationButton(operation, bench, run, look) {
  const { id, label } = operation;
  const keySlot = make("span", { class: "key-slot" });
  // An operation of each class, as its lock, has the icon of its kind.
  const content = look.hasIcon ? [icon(id) ?? icon(id.replace(/-\d+$/, ""))] : [...(look.content ?? [label]), keySlot];
  const element = make(
    "button",
    {
      type: "button",
      class: look.class,
      "data-operation": id,
      // Where there are words, they are the name.
      "aria-label": look.hasIcon ? label : null,
      onclick: (/** @type {MouseEvent} */ event) => {
        run(operation);
        // After a click of the mouse, Enter and Space belong to the patch again.
        if (event.detail > 0) element.blur();
      },
    },
    ...content,
  );
  /** @type {string | null} */
  let shownKeys = null;
  const showKeys = (/** @type {string[]} */ keys) => {
    const shortcuts = keys.map((key) => key.replace("Ctrl", "Control")).join(" ");
    if (shortcuts === shownKeys) return;
    shownKeys = shortcuts;
    if (shortcuts) element.setAttribute("aria-keyshortcuts", shortcuts);
    else element.removeAttribute("aria-keyshortcuts");
    const [first] = keys;
    keySlot.replaceChildren(first ? keyCaps(first) : make("span", { class: "keys" }, look.noKey));
  };
  /** @param {string} name @param {string} text */
  const write = (name, text) => {
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  };
  const refresh = () => {
    const keys = bench.keymap.keysOf(operation);
    showKeys(keys);
    const hint = keys.length ? `${label} (${keys.join(", ")})` : label;
    const why = operation.why?.(bench) ?? null;
    write("title", why ? `${hint}: ${why}` : hint);
    write("aria-disabled", String(why !== null));
    if (operation.isOn) write("aria-pressed", String(operation.isOn(bench)));
  };
  refresh();
  return { element, refresh };
}
