/**
 * The buttons of all operations: in the toolbars, under the patch, in the panel.
 *
 * @import {OperationButton} from "../ui/buttons.js"
 * @import {Benchwork} from "./bench.js"
 */
import { operationButton } from "../ui/buttons.js";
import { find } from "../ui/elements.js";
import { buildPanel } from "../ui/panel.js";

/** @type {import("../operations/bench.js").Operation["group"][]} */
const TOOLBARS = ["tools", "edit", "view", "help"];

/**
 * @param {Pick<Benchwork, "bench" | "operations" | "run">} benchwork
 * @returns {OperationButton[]}
 */
export function showButtons({ bench, operations, run }) {
  const inToolbars = operations
    .filter(({ group }) => TOOLBARS.includes(group))
    .map((operation) => {
      const button = operationButton(operation, bench, run, { class: "tool-button", hasIcon: true });
      if (button.element.childElementCount) find(`#toolbar-${operation.group}`).append(button.element);
      return button;
    });
  const underPatch = operations
    .filter(({ group }) => group === "patch")
    .map((operation) => {
      const look = operation.id === "submit" ? "button button--primary" : "button";
      const button = operationButton(operation, bench, run, { class: look });
      find("#patch-actions").append(button.element);
      return button;
    });
  return [...inToolbars, ...underPatch, ...buildPanel(bench, operations, run)];
}
