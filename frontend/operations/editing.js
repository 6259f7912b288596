/**
 * Steps back and forth, and steps that change the whole mask.
 *
 * @import {Operation} from "./bench.js"
 */
import { NULL_CLASS, emptyMask } from "../state/mask.js";
import { isProposal, needsPatch, needsProposal, needsRest } from "./bench.js";

/** @type {Operation[]} */
export const EDITING = [
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
    id: "previous",
    group: "edit",
    label: "Take the mask of the revision before",
    keys: ["Y"],
    run: ({ labelling }) => labelling.takePrevious(),
    why: (bench) => needsRest(bench) ?? (bench.document.baseNumber > 1 ? null : "There is no revision before this one."),
  },
  {
    id: "clear",
    group: "edit",
    label: "Clear the whole mask",
    keys: ["Delete"],
    run: ({ document }) => document.apply(emptyMask()),
    why: (bench) =>
      needsRest(bench) ?? (bench.document.current()?.every((value) => value === NULL_CLASS) ? "The mask is empty already." : null),
  },
  {
    id: "burn",
    group: "edit",
    label: "Burn in a GeoJSON polygon (or paste or drop it)",
    keys: ["Insert"],
    run: ({ askPolygon }) => askPolygon(),
    why: needsRest,
  },
];
