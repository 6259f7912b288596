/**
 * The outlines of the asked points: dashed until they are named, and with pointers around the one that is asked for
 * now. White lines on black ones, so that they are seen on any imagery and tell nothing by colour.
 *
 * @import {AskedPoint, AskedPoints} from "../state/asked_points.js"
 * @import {Rect} from "../state/mask.js"
 * @import {PatchView} from "./patch_view.js"
 */
import { UNSURE } from "../state/mask.js";

const SVG = "http://www.w3.org/2000/svg";
const TICK_PX = 14;
/** The outline lies this far outside of the cell, so that the cell is seen whole. */
const GAP_PX = 2;
const CURRENT_GAP_PX = 5;

export class PointMarks {
  #isQueued = false;

  /**
   * @param {PatchView} view
   * @param {AskedPoints} points
   * @param {() => boolean} isShown
   */
  constructor(view, points, isShown) {
    this.view = view;
    this.points = points;
    this.isShown = isShown;
    const svg = document.createElementNS(SVG, "svg");
    svg.classList.add("marks", "point-marks");
    svg.setAttribute("aria-hidden", "true");
    this.layers = ["open", "named", "current"].map((kind) =>
      ["under", "over"].map((side) => {
        const path = svg.appendChild(document.createElementNS(SVG, "path"));
        path.classList.add(`point-marks-${kind}`, `point-marks-${side}`);
        return path;
      }),
    );
    view.container.append(svg);
    view.map.on("move zoom", () => this.refresh());
    points.subscribe(() => this.refresh());
  }

  /** Draws them anew with the next frame. */
  refresh() {
    if (this.#isQueued) return;
    this.#isQueued = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#isQueued = false;
    const all = this.isShown() ? this.points.all() : [];
    const current = this.isShown() ? this.points.current() : null;
    const others = all.filter(({ number }) => number !== current?.number);
    const isOpen = (/** @type {AskedPoint} */ { named }) => named === UNSURE;
    const texts = [
      others.filter(isOpen).map(({ rect }) => this.#square(rect, GAP_PX)),
      others.filter((point) => !isOpen(point)).map(({ rect }) => this.#square(rect, GAP_PX)),
      current ? [this.#square(current.rect, CURRENT_GAP_PX), this.#ticks(current.rect)] : [],
    ];
    this.layers.forEach((paths, i) => paths.forEach((path) => path.setAttribute("d", texts[i]?.join("") ?? "")));
  }

  /**
   * @param {Rect} rect
   * @param {number} gap
   * @returns {[left: number, top: number, right: number, bottom: number]} on the screen
   */
  #box({ x0, y0, x1, y1 }, gap) {
    const [from, to] = [this.view.toScreen({ x: x0, y: y0 }), this.view.toScreen({ x: x1, y: y1 })];
    return [from.x - gap, from.y - gap, to.x + gap, to.y + gap];
  }

  /**
   * @param {Rect} rect
   * @param {number} gap
   */
  #square(rect, gap) {
    const [left, top, right, bottom] = this.#box(rect, gap);
    return `M${left} ${top}H${right}V${bottom}H${left}Z`;
  }

  /** @param {Rect} rect */
  #ticks(rect) {
    const [left, top, right, bottom] = this.#box(rect, CURRENT_GAP_PX);
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    return `M${x} ${top}v${-TICK_PX}M${x} ${bottom}v${TICK_PX}M${left} ${y}h${-TICK_PX}M${right} ${y}h${TICK_PX}`;
  }
}
