/**
 * What the hand shows on the map while it draws: the brush's circle and the polygon under way.
 *
 * @import {Point} from "../state/mask.js"
 * @import {PatchView} from "./patch_view.js"
 */

const SVG = "http://www.w3.org/2000/svg";

export class Marks {
  /** @type {Point | null} */
  #brushAt = null;
  #brushSizePx = 1;
  /** @type {Point[]} */
  #ring = [];
  /** @type {Point | null} */
  #cursorAt = null;
  /** @type {Point | null} */
  #spotAt = null;
  #isDrawn = true;
  #ringText = "";
  #brushLook = "";

  /** @param {PatchView} view */
  constructor(view) {
    this.view = view;
    const svg = document.createElementNS(SVG, "svg");
    svg.classList.add("marks");
    svg.setAttribute("aria-hidden", "true");
    // A layer of its own, which the browser moves without painting anything anew.
    this.brush = document.createElement("div");
    this.brush.className = "marks-brush";
    this.spot = svg.appendChild(document.createElementNS(SVG, "circle"));
    this.cursor = svg.appendChild(document.createElementNS(SVG, "path"));
    this.shadow = svg.appendChild(document.createElementNS(SVG, "polyline"));
    this.line = svg.appendChild(document.createElementNS(SVG, "polyline"));
    this.corner = svg.appendChild(document.createElementNS(SVG, "circle"));
    this.spot.classList.add("marks-spot");
    this.cursor.classList.add("marks-cursor");
    this.cursor.setAttribute("d", "M-14 0h9M5 0h9M0 -14v9M0 5v9");
    this.shadow.classList.add("marks-shadow");
    this.line.classList.add("marks-line");
    this.corner.classList.add("marks-corner");
    view.container.append(svg, this.brush);
    view.map.on("move zoom", () => this.#queue());
  }

  /**
   * @param {Point | null} at
   * @param {number} sizePx
   */
  showBrush(at, sizePx) {
    this.#brushAt = at;
    this.#brushSizePx = sizePx;
    this.#queue();
  }

  /** @param {Point[]} ring */
  showRing(ring) {
    this.#ring = ring;
    this.#queue();
  }

  /** @param {Point | null} at where the keyboard's cursor is */
  showCursor(at) {
    this.#cursorAt = at;
    this.#queue();
  }

  /** @param {Point | null} at the uncertain spot that is visited */
  showSpot(at) {
    this.#spotAt = at;
    this.#queue();
  }

  #queue() {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#isDrawn = true;
    this.#drawBrush();
    this.#place(this.spot, this.#spotAt, Math.max(14, 10 * this.view.scale()));
    this.#place(this.cursor, this.#cursorAt);
    const points = this.#ring.map((point) => this.view.toScreen(point));
    const text = points.map(({ x, y }) => `${x},${y}`).join(" ");
    if (text === this.#ringText) return;
    this.#ringText = text;
    this.line.setAttribute("points", text);
    this.shadow.setAttribute("points", text);
    const [first] = points;
    this.corner.style.display = first ? "" : "none";
    if (first) {
      this.corner.setAttribute("cx", String(first.x));
      this.corner.setAttribute("cy", String(first.y));
      this.corner.setAttribute("r", "6");
    }
  }

  #drawBrush() {
    const at = this.#brushAt && this.view.toScreen(this.#brushAt);
    const diameter = Math.max(3, this.#brushSizePx * this.view.scale());
    const look = at ? `${diameter}px` : "none";
    if (look !== this.#brushLook) {
      this.#brushLook = look;
      Object.assign(this.brush.style, at ? { display: "block", width: look, height: look } : { display: "none" });
    }
    if (at) this.brush.style.transform = `translate(${at.x - diameter / 2}px, ${at.y - diameter / 2}px)`;
  }

  /**
   * @param {SVGElement} mark
   * @param {Point | null} at
   * @param {number} [radius]
   */
  #place(mark, at, radius) {
    const display = at ? "" : "none";
    if (mark.style.display !== display) mark.style.display = display;
    if (!at) return;
    const { x, y } = this.view.toScreen(at);
    mark.setAttribute("transform", `translate(${x} ${y})`);
    if (radius !== undefined) mark.setAttribute("r", String(radius));
  }
}
