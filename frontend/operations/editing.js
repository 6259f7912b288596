/**
 * Steps back and forth, and steps that change the whole mask.
 *
 * @import {Operation} from "./bench.js"
 */
import { t } from "../i18n.js";
import { NULL_CLASS, emptyMask } from "../state/mask.js";
import { isProposal, needsPatch, needsProposal, needsRest } from "./bench.js";

/** @type {Operation[]} */
export const EDITING = [
  {
    id: "undo",
    group: "edit",
    label: t("Undo"),
    keys: ["Ctrl+Z"],
    run: ({ document }) => document.undo(),
    why: (bench) => needsPatch(bench) ?? (bench.document.canUndo() ? null : t("There is nothing to undo.")),
  },
  {
    id: "redo",
    group: "edit",
    label: t("Redo"),
    keys: ["Ctrl+Shift+Z", "Ctrl+Y"],
    run: ({ document }) => document.redo(),
    why: (bench) => needsPatch(bench) ?? (bench.document.canRedo() ? null : t("There is nothing to redo.")),
  },
  {
    id: "reset",
    group: "edit",
    label: t("Reset to the proposal"),
    keys: ["R"],
    run: ({ document }) => document.proposalMask && document.apply(document.proposalMask),
    why: (bench) => needsProposal(bench) ?? (isProposal(bench) ? t("The mask is the proposal already.") : null),
  },
  {
    id: "previous",
    group: "edit",
    label: t("Take the mask of the revision before"),
    keys: ["Y"],
    run: ({ labelling }) => labelling.takePrevious(),
    why: (bench) => needsRest(bench) ?? (bench.document.baseNumber > 1 ? null : t("There is no revision before this one.")),
  },
  {
    id: "clear",
    group: "edit",
    label: t("Clear the whole mask"),
    keys: ["Delete"],
    run: ({ document }) => document.apply(emptyMask()),
    why: (bench) =>
      needsRest(bench) ?? (bench.document.current()?.every((value) => value === NULL_CLASS) ? t("The mask is empty already.") : null),
  },
  {
    id: "burn",
    group: "edit",
    label: t("Burn in a GeoJSON polygon (or paste or drop it)"),
    keys: ["Insert"],
    run: ({ askPolygon }) => askPolygon(),
    why: needsRest,
  },
];
