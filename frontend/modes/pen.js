/**
 * The boundary pen: a thin line of the boundary class that follows the edges of the imagery from click to click, or
 * behind a pointer that is held down.
 *
 * @import {Point} from "../state/mask.js"
 * @import {Wire} from "../vision/live_wire.js"
 * @import {Mode, ModeParts} from "./modes.js"
 */
import { drawBoundary } from "../actions/boundary.js";
import { SIZE_PX } from "../state/mask.js";
import { snapToEdge } from "../vision/edges.js";
import { wireFrom, wirePath } from "../vision/live_wire.js";

/** How far a click may miss an edge, and after which way a held pointer sets a new anchor, in patch pixels. */
const SNAP_PX = 4;
const ANCHOR_PX = 12;
/** How near to the first anchor a click closes the line, in screen pixels. */
const CLOSE_PX = 9;

/**
 * @param {ModeParts} parts
 * @returns {Mode}
 */
export function penMode({ document, tools, hand, boundaryValue, analysis }) {
  /** @type {Point[]} the line up to the last anchor */
  let path = [];
  /** @type {number[]} how long the line was before each anchor */
  let anchors = [];
  /** @type {Wire | null} from the last anchor; made when the pointer first asks for it */
  let wire = null;
  let isDragged = false;
  let isHeld = false;

  /**
   * @param {Point} to
   * @param {boolean} isStraight
   * @returns {Point[]} from the last anchor
   */
  const wayTo = (to, isStraight) => {
    const last = path.at(-1);
    const edges = analysis()?.edges;
    if (!last || !edges || isStraight) return [to];
    return wirePath(wire ?? wireFrom(edges, last, to), to);
  };
  const preview = (/** @type {Point} */ to) => {
    const last = path.at(-1);
    const edges = analysis()?.edges;
    if (last && edges) wire ??= wireFrom(edges, last);
    hand.showRing([...path, ...wayTo(to, false)]);
  };
  const anchorAt = (/** @type {Point} */ point, /** @type {boolean} */ isStraight) => {
    const edges = analysis()?.edges;
    return inside(edges && !isStraight ? snapToEdge(edges, point, SNAP_PX) : point);
  };
  const extend = (/** @type {Point} */ to, isStraight = false) => {
    anchors.push(path.length);
    path = [...path, ...wayTo(to, isStraight)];
    wire = null;
    hand.showRing(path);
  };
  const stepBack = () => {
    path = path.slice(0, anchors.pop());
    wire = null;
    hand.showRing(path);
  };
  const clear = () => {
    path = [];
    anchors = [];
    wire = null;
    isDragged = false;
    hand.showRing(path);
  };
  const finish = () => {
    const mask = document.current();
    if (mask && boundaryValue !== null && path.length > 1) document.draw(drawBoundary(mask, path, tools.state.penPx, boundaryValue));
    clear();
  };

  return {
    cursor: "crosshair",
    enter: clear,
    exit: clear,
    down({ point, isShift, isSecondary }) {
      if (!document.isDrawable()) return;
      const [first] = path;
      isDragged = false;
      isHeld = true;
      if (isSecondary) {
        finish();
        return;
      }
      const isClosing = first && path.length > 3 && Math.hypot(first.x - point.x, first.y - point.y) * hand.scale() <= CLOSE_PX;
      extend(isClosing ? first : anchorAt(point, isShift), isShift);
      if (isClosing) finish();
    },
    drag({ point, isShift }) {
      const last = path.at(-1);
      if (!last || Math.hypot(last.x - point.x, last.y - point.y) < ANCHOR_PX) return;
      isDragged = true;
      extend(anchorAt(point, isShift), isShift);
    },
    hover(point) {
      if (path.length && point && !isHeld) preview(inside(point));
    },
    up() {
      isHeld = false;
      if (isDragged) finish();
    },
    finish,
    cancel: clear,
    key(chord) {
      if (!path.length) return false;
      if (chord === "Enter") finish();
      else if (chord === "Escape") clear();
      else if (chord === "Backspace" || chord === "Ctrl+Z") stepBack();
      else return false;
      return true;
    },
  };
}

/**
 * @param {Point} point
 * @returns {Point} the nearest one in the patch
 */
function inside({ x, y }) {
  const clamp = (/** @type {number} */ at) => Math.max(0.5, Math.min(SIZE_PX - 0.5, at));
  return { x: clamp(x), y: clamp(y) };
}
