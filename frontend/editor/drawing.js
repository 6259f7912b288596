/**
 * The modes of drawing, and the keyboard's cursor that draws with them.
 *
 * @import {ModeParts} from "../modes/modes.js"
 * @import {Benchwork} from "./bench.js"
 * @import {Workplace} from "./workplace.js"
 */
import { brushMode } from "../modes/brush.js";
import { fillMode } from "../modes/fill.js";
import { KeyboardCursor } from "../modes/keyboard_cursor.js";
import { lassoMode } from "../modes/lasso.js";
import { lookAlikeFillMode, smartBrushMode } from "../modes/look_alike.js";
import { mergeMode } from "../modes/merge.js";
import { Modes } from "../modes/modes.js";
import { panMode } from "../modes/pan.js";
import { penMode } from "../modes/pen.js";
import { pointsMode } from "../modes/points.js";
import { polygonMode } from "../modes/polygon.js";
import { classValueOf } from "../operations/operations.js";
import { tell } from "../ui/toasts.js";

/** @typedef {{modes: Modes, cursor: KeyboardCursor}} Drawing */

/**
 * @param {Workplace} workplace
 * @param {Pick<Benchwork, "keymap">} benchwork
 * @returns {Drawing}
 */
export function createDrawing(workplace, { keymap }) {
  const { document, marks, pointed, points, view } = workplace;
  const parts = modeParts(workplace);
  const modes = new Modes({
    brush: brushMode(parts, { isEraser: false }),
    eraser: brushMode(parts, { isEraser: true }),
    smart: smartBrushMode(parts),
    alike: lookAlikeFillMode(parts),
    lasso: lassoMode(parts),
    polygon: polygonMode(parts),
    pen: penMode(parts),
    merge: mergeMode(parts),
    fill: fillMode(parts),
    points: pointsMode(parts, { points, valueOf: (chord) => classValueOf(keymap.operationOf(chord)) }),
    pan: panMode(parts),
  });
  const cursor = new KeyboardCursor({
    modes,
    isDrawable: () => document.isDrawable(),
    from: () => pointed.at,
    show(at) {
      marks.showCursor(at);
      pointed.set(at);
      if (at) view.reveal(at);
    },
  });
  return { modes, cursor };
}

/**
 * @param {Workplace} workplace
 * @returns {ModeParts}
 */
function modeParts({ analysis, document, marks, project, tools, view }) {
  return {
    document,
    tools,
    hand: {
      showBrush: marks.showBrush.bind(marks),
      showRing: marks.showRing.bind(marks),
      scale: () => view.scale(),
      pan: (dx, dy) => void view.map.panBy([dx, dy], { animate: false }),
      centerOn: view.centerOn.bind(view),
      setPanning: (isOn) => void (isOn ? view.map.dragging.enable() : view.map.dragging.disable()),
    },
    boundaryValue: project.legend.find((one) => one.is_boundary)?.value ?? null,
    analysis: () => analysis.current(),
    tell: (sentence) => tell(sentence, "info"),
  };
}
