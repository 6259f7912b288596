/**
 * Leading the annotator from point to point: which one is asked for, what the model says of it, its outline on the
 * map, and buttons for whoever has no keys. Screen readers are told.
 *
 * @import {PatchView} from "../map/patch_view.js"
 * @import {EditorDocument} from "../state/document.js"
 * @import {AskedPoint, AskedPoints} from "../state/asked_points.js"
 * @import {Store} from "../state/store.js"
 * @import {Tools} from "../state/tools.js"
 */
import { t } from "../i18n.js";
import { PointMarks } from "../map/point_marks.js";
import { SIZE_PX, UNSURE } from "../state/mask.js";
import { find, keyCaps, make } from "./elements.js";
import { tell } from "./toasts.js";

/**
 * @typedef {object} Parts
 * @property {AskedPoints} points
 * @property {Store<Tools>} tools
 * @property {PatchView} view
 * @property {EditorDocument} document
 * @property {(value: number) => string} nameOf
 */

/** @param {Parts} parts */
export function guideThroughPoints({ points, tools, view, document, nameOf }) {
  const marks = new PointMarks(view, points, () => tools.state.mode === "points");
  showBar({ points, tools, nameOf });
  document.subscribe(({ type }) => {
    if (type !== "opened") return;
    if (points.count) tools.set({ mode: "points" });
    else if (tools.state.mode === "points") tools.set({ mode: "brush" });
    marks.refresh();
  });
  tools.subscribe((_, changed) => "mode" in changed && marks.refresh());
  points.subscribe(() => {
    const point = points.current();
    if (point && tools.state.mode === "points" && isZoomedIn(view)) view.centerOn(point.center);
  });
}

/**
 * @param {PatchView} view
 * @returns {boolean} whether a part of the patch may be out of sight
 */
function isZoomedIn(view) {
  const { x, y } = view.map.getSize();
  return view.scale() * SIZE_PX > Math.min(x, y);
}

/** @param {Pick<Parts, "points" | "tools" | "nameOf">} parts */
function showBar({ points, tools, nameOf }) {
  const sentence = make("p", { id: "point-text", role: "status", "aria-live": "polite" });
  const progress = make("progress", { "aria-label": t("Points named") });
  const accept = button(t("As the model says"), "Enter", () => {
    if (!points.accept()) tell(t("The model says nothing of this point: name it, or leave it out as unsure."), "info");
  });
  const unsure = button(t("Unsure"), "U", () => points.name(UNSURE));
  const back = button(t("Back"), "Backspace", () => points.back());
  const bar = make("div", { id: "points-bar", class: "editor-float points-bar", hidden: true }, sentence, progress, make("div", { class: "row" }, back, accept, unsure));
  find(".editor-stage").append(bar);

  const refresh = () => {
    bar.hidden = points.count === 0 || tools.state.mode !== "points";
    const point = points.current();
    const said = point ? sentenceOf(point, points.count, nameOf) : summaryOf(points.count, points.namedCount);
    // The same sentence once more would be read out again.
    if (sentence.textContent !== said) sentence.textContent = said;
    progress.max = Math.max(1, points.count);
    progress.value = points.namedCount;
    for (const one of [accept, unsure]) one.disabled = !point;
    back.disabled = point?.number === 1;
  };
  points.subscribe(refresh);
  tools.subscribe((_, changed) => "mode" in changed && refresh());
  refresh();
}

/**
 * @param {AskedPoint} point
 * @param {number} total
 * @param {(value: number) => string} nameOf
 */
function sentenceOf({ number, named, proposed }, total, nameOf) {
  const facts = { number, total, name: nameOf(named), proposed: nameOf(proposed) };
  if (named !== UNSURE) return t("Point {number} of {total}: it is named “{name}”; the model says “{proposed}”.", facts);
  if (proposed === UNSURE) return t("Point {number} of {total}: the model says nothing of it.", facts);
  return t("Point {number} of {total}: the model says “{proposed}”.", facts);
}

/**
 * @param {number} total
 * @param {number} named
 */
function summaryOf(total, named) {
  return t("Points named: {named} of {total}; left out: {left}. Ctrl+Enter submits.", { named, total, left: total - named });
}

/**
 * @param {string} label
 * @param {string} key
 * @param {() => unknown} run
 */
function button(label, key, run) {
  const element = make(
    "button",
    {
      type: "button",
      class: "button button--small",
      "aria-keyshortcuts": key,
      onclick: (/** @type {MouseEvent} */ event) => {
        run();
        // After a click of the mouse, Enter belongs to the points again.
        if (event.detail > 0) element.blur();
      },
    },
    `${label} `,
    keyCaps(key),
  );
  return element;
}
