/**
 * Tools for the hand, and what drawing may overwrite.
 *
 * @import {Bench, Operation} from "./bench.js"
 */
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
  mode("brush", "Brush", "B"),
  mode("eraser", "Eraser", "X"),
  mode("smart", "Smart brush: paints what looks alike, up to the edges of the imagery", "G", needsImagery),
  mode("alike", "Fill what looks alike in the imagery", "W", needsImagery),
  mode("lasso", "Lasso: draw around a field, let go to fill it", "L"),
  mode("polygon", "Polygon", "P"),
  mode("pen", "Boundary pen: splits a field along the edges of the imagery", "T", needsBoundary),
  mode("merge", "Merge two fields: click one, then its neighbour", "M"),
  mode("fill", "Give a whole region the chosen class", "F"),
  mode("pan", "Move the map", "V"),
  {
    id: "smaller",
    group: "tools",
    label: "Smaller brush, thinner pen, less tolerance",
    keys: ["["],
    run: ({ tools }) => tools.set(resized(tools.state, -1)),
  },
  {
    id: "larger",
    group: "tools",
    label: "Larger brush, thicker pen, more tolerance",
    keys: ["]"],
    run: ({ tools }) => tools.set(resized(tools.state, 1)),
  },
  {
    id: "outline",
    group: "tools",
    label: "Outline polygons with the boundary class",
    keys: ["O"],
    run: ({ tools }) => tools.set({ hasOutline: !tools.state.hasOutline }),
    why: needsBoundary,
    isOn: ({ tools }) => tools.state.hasOutline,
  },
  {
    id: "lock",
    group: "tools",
    label: "Lock the chosen class: nothing draws over it",
    keys: ["K"],
    run: (bench) => toggleLock(bench, bench.tools.state.value),
    isOn: ({ tools }) => tools.state.locked.includes(tools.state.value),
  },
  {
    id: "only",
    group: "tools",
    label: "Draw only over the class under the pointer",
    keys: ["I"],
    run: ({ tools, pointedValue }) => tools.set({ only: tools.state.only === null ? pointedValue() : null }),
    why: ({ tools, pointedValue }) =>
      tools.state.only === null && pointedValue() === null ? "Point at a pixel of that class, then press I." : null,
    isOn: ({ tools }) => tools.state.only !== null,
  },
];
