/**
 * Everything that the annotator can do with a key or a button: its label, its keys, and the reason why it is not
 * possible at this moment. The toolbar, the keyboard and the shortcut sheet all read this list.
 *
 * @import {Project} from "../api/types.js"
 * @import {Bench, Operation} from "./bench.js"
 */
import { t } from "../i18n.js";
import { NULL_CLASS, UNSURE, emptyMask } from "../state/mask.js";
import { isProposal, needsPatch, needsProposal, needsRest, needsWholePatch } from "./bench.js";
import { ADVISING } from "./advising.js";
import { DRAWING, toggleLock } from "./drawing.js";
import { EDITING } from "./editing.js";
import { VIEWING } from "./viewing.js";

/** @type {Operation[]} */
export const OPERATIONS = [
  ...DRAWING,
  ...EDITING,
  ...VIEWING,
  ...ADVISING,
  {
    id: "save",
    group: "patch",
    label: t("Save a draft"),
    keys: ["S", "Ctrl+S"],
    run: ({ labelling }) => labelling.saving.save(),
    why: (bench) => needsRest(bench) ?? (bench.document.isDirty() ? null : t("Everything is saved.")),
  },
  {
    id: "submit",
    group: "patch",
    label: t("Submit and go on"),
    keys: ["Enter", "Ctrl+Enter"],
    run: ({ labelling }) => labelling.saving.submit(),
    why: needsRest,
  },
  {
    id: "accept",
    group: "patch",
    label: t("Accept the proposal as it is"),
    keys: ["A"],
    run: ({ labelling }) => labelling.saving.submit(),
    why: (bench) => needsProposal(bench) ?? needsWholePatch(bench) ?? (isProposal(bench) ? null : t("The mask differs from the proposal: reset it first, or submit.")),
  },
  {
    id: "nothing",
    group: "patch",
    label: t("No field here"),
    keys: ["Q"],
    run: ({ document, labelling }) => {
      document.apply(emptyMask());
      return labelling.saving.submit();
    },
    why: (bench) => needsRest(bench) ?? (hasOwnWork(bench) ? t("There is work of a person on this patch: clear it first, then submit.") : null),
  },
  { id: "skip", group: "patch", label: t("Skip to the next patch"), keys: ["N"], run: ({ labelling }) => labelling.skip(), why: needsRest },
  { id: "shortcuts", group: "help", label: t("Keyboard shortcuts"), keys: ["?"], run: ({ showShortcuts }) => showShortcuts() },
  { id: "firstPatch", group: "help", label: t("Guided first patch"), keys: ["F1"], run: ({ startFirstPatch }) => startFirstPatch(), why: needsPatch },
];

/**
 * One operation a class: its number chooses it.
 *
 * @param {Project} project
 * @returns {Operation[]}
 */
export function classOperations(project) {
  return choicesOf(project).map(({ value, name }) => ({
    id: `class-${value}`,
    group: "classes",
    label: name,
    keys: value === UNSURE ? ["U"] : value <= 9 ? [String(value)] : [],
    run: ({ tools, points }) => {
      if (tools.state.mode === "points") points.name(value);
      else tools.set({ value, ...(tools.state.mode === "eraser" ? { mode: "brush" } : {}) });
    },
    isOn: ({ tools }) => tools.state.value === value,
  }));
}

/**
 * @param {Operation | undefined} operation
 * @returns {number | null} the class that it chooses
 */
export function classValueOf(operation) {
  return operation?.group === "classes" ? Number(operation.id.replace("class-", "")) : null;
}

/**
 * One lock a class, beside its name.
 *
 * @param {Project} project
 * @returns {Operation[]}
 */
export function lockOperations(project) {
  return choicesOf(project).map(({ value, name }) => ({
    id: `lock-${value}`,
    group: "locks",
    label: t("Lock {name}", { name }),
    keys: [],
    run: (bench) => toggleLock(bench, value),
    isOn: ({ tools }) => tools.state.locked.includes(value),
  }));
}

/** @param {Project} project */
function choicesOf({ legend }) {
  return [...legend.map(({ value, name }) => ({ value, name })), { value: UNSURE, name: t("unsure") }];
}

/**
 * One key must not throw away what somebody drew.
 *
 * @param {Bench} bench
 */
function hasOwnWork({ document }) {
  const isUntouched = document.baseNumber === 0 && !document.isDirty();
  return !isUntouched && !document.current()?.every((value) => value === NULL_CLASS);
}
