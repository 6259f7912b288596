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
 * @param {{class: string, hasIcon?: boolean, content?: Node[]}} look
 * @returns {OperationButton}
 */
export function operationButton(operation, bench, run, look) {
  const { id, label, keys } = operation;
  const content = look.hasIcon ? [icon(id)] : (look.content ?? [label, keys[0] ? keyCaps(keys[0]) : null]);
  const element = make(
    "button",
    {
      type: "button",
      class: look.class,
      "data-operation": id,
      "aria-label": label,
      "aria-keyshortcuts": keys.map((key) => key.replace("Ctrl", "Control")).join(" ") || null,
      onclick: (/** @type {MouseEvent} */ event) => {
        run(operation);
        // After a click of the mouse, Enter and Space belong to the patch again.
        if (event.detail > 0) element.blur();
      },
    },
    ...content,
  );
  const hint = keys.length ? `${label} (${keys.join(", ")})` : label;
  const refresh = () => {
    const why = operation.why?.(bench) ?? null;
    element.title = why ? `${hint}: ${why}` : hint;
    element.setAttribute("aria-disabled", String(why !== null));
    if (operation.isOn) element.setAttribute("aria-pressed", String(operation.isOn(bench)));
  };
  refresh();
  return { element, refresh };
}
