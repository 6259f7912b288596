/**
 * Everything that the annotator can do with a key or a button: its label, its keys, and the reason why it is not
 * possible at this moment. The toolbar, the keyboard and the shortcut sheet all read this list.
 *
 * @import {Project, Scene} from "../api/types.js"
 * @import {Labelling, Situation} from "../labelling.js"
 * @import {Modes} from "../modes/modes.js"
 * @import {EditorDocument} from "../state/document.js"
 * @import {Store} from "../state/store.js"
 * @import {Tools} from "../state/tools.js"
 */
import { UNSURE, sameMask } from "../state/mask.js";
import { clampOpacity, nextSize } from "../state/tools.js";

/**
 * @typedef {object} Bench what operations work on
 * @property {Project} project
 * @property {EditorDocument} document
 * @property {Store<Tools>} tools
 * @property {Store<Situation>} situation
 * @property {Labelling} labelling
 * @property {Scene[]} scenes ready ones, the newest first
 * @property {() => void} center
 * @property {() => void} showShortcuts
 *
 * @typedef {object} Operation
 * @property {string} id
 * @property {"tools" | "edit" | "view" | "patch" | "classes" | "help"} group
 * @property {string} label
 * @property {string[]} keys
 * @property {(bench: Bench) => unknown} run
 * @property {(bench: Bench) => string | null} [why] why it is not possible now
 * @property {(bench: Bench) => boolean} [isOn] for a switch
 */

const NO_PATCH = "There is no patch on the table.";

/** @param {Bench} bench */
const needsPatch = ({ document }) => (document.patch ? null : NO_PATCH);

/** @param {Bench} bench */
const needsRest = ({ document, situation }) => {
  if (!document.patch) return NO_PATCH;
  const { phase } = situation.state;
  if (phase === "saving") return "The mask is being saved.";
  return phase === "loading" ? "The patch is being loaded." : null;
};

/** @param {Bench} bench */
const needsProposal = (bench) => needsRest(bench) ?? (bench.document.proposalMask ? null : "This patch has no proposal.");

/**
 * @param {string} id
 * @param {string} label
 * @param {string} key
 * @returns {Operation}
 */
const mode = (id, label, key) => ({
  id,
  group: "tools",
  label,
  keys: [key],
  run: ({ tools }) => tools.set({ mode: id }),
  isOn: ({ tools }) => tools.state.mode === id,
});

/** @type {Operation[]} */
export const OPERATIONS = [
  mode("brush", "Brush", "B"),
  mode("eraser", "Eraser", "X"),
  mode("polygon", "Polygon", "P"),
  mode("fill", "Fill a region", "F"),
  mode("pan", "Move the map", "V"),
  {
    id: "smaller",
    group: "tools",
    label: "Smaller brush",
    keys: ["["],
    run: ({ tools }) => tools.set({ sizePx: nextSize(tools.state.sizePx, -1) }),
  },
  {
    id: "larger",
    group: "tools",
    label: "Larger brush",
    keys: ["]"],
    run: ({ tools }) => tools.set({ sizePx: nextSize(tools.state.sizePx, 1) }),
  },
  {
    id: "outline",
    group: "tools",
    label: "Outline polygons with the boundary class",
    keys: ["O"],
    run: ({ tools }) => tools.set({ hasOutline: !tools.state.hasOutline }),
    why: ({ project }) => (project.legend.some((one) => one.is_boundary) ? null : "The legend has no boundary class."),
    isOn: ({ tools }) => tools.state.hasOutline,
  },
  {
    id: "undo",
    group: "edit",
    label: "Undo",
    keys: ["Ctrl+Z"],
    run: ({ document }) => document.undo(),
    why: (bench) => needsPatch(bench) ?? (bench.document.canUndo() ? null : "There is nothing to undo."),
  },
  {
    id: "redo",
    group: "edit",
    label: "Redo",
    keys: ["Ctrl+Shift+Z", "Ctrl+Y"],
    run: ({ document }) => document.redo(),
    why: (bench) => needsPatch(bench) ?? (bench.document.canRedo() ? null : "There is nothing to redo."),
  },
  {
    id: "reset",
    group: "edit",
    label: "Reset to the proposal",
    keys: ["R"],
    run: ({ document }) => document.proposalMask && document.apply(document.proposalMask),
    why: (bench) => needsProposal(bench) ?? (isProposal(bench) ? "The mask is the proposal already." : null),
  },
  {
    id: "hide",
    group: "view",
    label: "Hide the mask (or hold Space)",
    keys: ["H"],
    run: ({ tools }) => tools.set({ isMaskHidden: !tools.state.isMaskHidden }),
    isOn: ({ tools }) => tools.state.isMaskHidden,
  },
  {
    id: "fainter",
    group: "view",
    label: "Fainter mask",
    keys: [","],
    run: ({ tools }) => tools.set({ opacity: clampOpacity(tools.state.opacity - 0.1), isMaskHidden: false }),
  },
  {
    id: "stronger",
    group: "view",
    label: "Stronger mask",
    keys: ["."],
    run: ({ tools }) => tools.set({ opacity: clampOpacity(tools.state.opacity + 0.1), isMaskHidden: false }),
  },
  {
    id: "entropy",
    group: "view",
    label: "Show where the model was unsure",
    keys: ["E"],
    run: ({ tools }) => tools.set({ isEntropyShown: !tools.state.isEntropyShown }),
    why: (bench) => needsPatch(bench) ?? (bench.document.patch?.proposal ? null : "This patch has no proposal."),
    isOn: ({ tools }) => tools.state.isEntropyShown,
  },
  {
    id: "scene",
    group: "view",
    label: "Next scene date",
    keys: ["D"],
    run: ({ scenes, tools }) => {
      const index = scenes.findIndex((scene) => scene.id === tools.state.sceneId);
      tools.set({ sceneId: scenes[(index + 1) % scenes.length]?.id ?? null });
    },
    why: ({ scenes }) => (scenes.length > 1 ? null : "The project has one scene only."),
  },
  { id: "center", group: "view", label: "Back to the patch", keys: ["C", "Home"], run: ({ center }) => center(), why: needsPatch },
  {
    id: "save",
    group: "patch",
    label: "Save a draft",
    keys: ["S", "Ctrl+S"],
    run: ({ labelling }) => labelling.saving.save({ submit: false }),
    why: (bench) => needsRest(bench) ?? (bench.document.isDirty() ? null : "Everything is saved."),
  },
  {
    id: "submit",
    group: "patch",
    label: "Submit and go on",
    keys: ["Enter", "Ctrl+Enter"],
    run: ({ labelling }) => labelling.saving.submit(),
    why: needsRest,
  },
  {
    id: "accept",
    group: "patch",
    label: "Accept the proposal as it is",
    keys: ["A"],
    run: ({ labelling }) => labelling.saving.submit(),
    why: (bench) => needsProposal(bench) ?? (isProposal(bench) ? null : "The mask differs from the proposal: reset it first, or submit."),
  },
  { id: "skip", group: "patch", label: "Skip to the next patch", keys: ["N"], run: ({ labelling }) => labelling.skip(), why: needsRest },
  { id: "shortcuts", group: "help", label: "Keyboard shortcuts", keys: ["?"], run: ({ showShortcuts }) => showShortcuts() },
];

/**
 * One operation a class: its number chooses it.
 *
 * @param {Project} project
 * @returns {Operation[]}
 */
export function classOperations(project) {
  const choices = [...project.legend.map(({ value, name }) => ({ value, name })), { value: UNSURE, name: "unsure" }];
  return choices.map(({ value, name }) => ({
    id: `class-${value}`,
    group: "classes",
    label: name,
    keys: value === UNSURE ? ["U"] : value <= 9 ? [String(value)] : [],
    run: ({ tools }) => tools.set({ value, ...(tools.state.mode === "eraser" ? { mode: "brush" } : {}) }),
    isOn: ({ tools }) => tools.state.value === value,
  }));
}

/** @param {Bench} bench */
function isProposal({ document }) {
  const mask = document.current();
  return mask !== null && document.proposalMask !== null && sameMask(mask, document.proposalMask);
}
