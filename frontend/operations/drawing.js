/**
 * Tools for the hand, and what drawing may overwrite.
 *
 * @import {Bench, Operation} from "./bench.js"
 */
import { t } from "../i18n.js";
import { resized } from "../state/tools.js";
import { needsBoundary } from "./bench.js";

/**
 * @param {string} id
 * @param {string} label
 * @param {string} key
 * @param {Operation["why"]} [why]
 * @returns {Operation}
 */
const mode = (id, label, key, why) => ({
  id,
  group: "tools",
  label,
  keys: [key],
  run: ({ tools }) => tools.set({ mode: id }),
  isOn: ({ tools }) => tools.state.mode === id,
  ...(why && { why }),
});

/** @param {Bench} bench */
const needsImagery = ({ whyNoImagery }) => whyNoImagery();

/**
 * @param {Bench} bench
 * @param {number} value
 */
export function toggleLock({ tools }, value) {
  const { locked } = tools.state;
  tools.set({ locked: locked.includes(value) ? locked.filter((one) => one !== value) : [...locked, value] });
}

/** @type {Operation[]} */
export const DRAWING = [
  mode("brush", t("Brush"), "B"),
  mode("eraser", t("Eraser"), "X"),
  mode("smart", t("Smart brush: paints what looks alike, up to the edges of the imagery"), "G", needsImagery),
  mode("alike", t("Fill what looks alike in the imagery"), "W", needsImagery),
  mode("lasso", t("Lasso: draw around a field, let go to fill it"), "L"),
  mode("polygon", t("Polygon"), "P"),
  mode("pen", t("Boundary pen: splits a field along the edges of the imagery"), "T", needsBoundary),
  mode("merge", t("Merge two fields: click one, then its neighbour"), "M"),
  mode("fill", t("Give a whole region the chosen class"), "F"),
  mode("points", t("Points: name the outlined cells"), "Shift+P", ({ points }) => (points.count ? null : t("Whole patches are asked for here, not points."))),
  mode("pan", t("Move the map"), "V"),
  {
    id: "smaller",
    group: "tools",
    label: t("Smaller brush, thinner pen, less tolerance"),
    keys: ["["],
    run: ({ tools }) => tools.set(resized(tools.state, -1)),
  },
  {
    id: "larger",
    group: "tools",
    label: t("Larger brush, thicker pen, more tolerance"),
    keys: ["]"],
    run: ({ tools }) => tools.set(resized(tools.state, 1)),
  },
  {
    id: "outline",
    group: "tools",
    label: t("Outline polygons with the boundary class"),
    keys: ["O"],
    run: ({ tools }) => tools.set({ hasOutline: !tools.state.hasOutline }),
    why: needsBoundary,
    isOn: ({ tools }) => tools.state.hasOutline,
  },
  {
    id: "lock",
    group: "tools",
    label: t("Lock the chosen class: nothing draws over it"),
    keys: ["K"],
    run: (bench) => toggleLock(bench, bench.tools.state.value),
    isOn: ({ tools }) => tools.state.locked.includes(tools.state.value),
  },
  {
    id: "only",
    group: "tools",
    label: t("Draw only over the class under the pointer"),
    keys: ["I"],
    run: ({ tools, pointedValue }) => tools.set({ only: tools.state.only === null ? pointedValue() : null }),
    why: ({ tools, pointedValue }) =>
      tools.state.only === null && pointedValue() === null ? t("Point at a pixel of that class first.") : null,
    isOn: ({ tools }) => tools.state.only !== null,
  },
];
