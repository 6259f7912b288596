/**
 * Numbered marks at the places that comments are pinned to; white on black, so that they are seen on any imagery.
 *
 * @import {Point} from "../state/mask.js"
 * @import {PatchView} from "./patch_view.js"
 */
import { make } from "../ui/elements.js";

export class PinMarks {
  /** @type {{at: Point, mark: HTMLElement}[]} */
  #marks = [];

  /** @param {PatchView} view */
  constructor(view) {
    this.view = view;
    this.layer = make("div", { class: "pin-marks", "aria-hidden": "true" });
    view.container.append(this.layer);
    view.map.on("move zoom resize", () => this.#place());
  }

  /** @param {Point[]} places numbered in this order */
  show(places) {
    this.#marks = places.map((at, i) => ({ at, mark: make("span", { class: "pin-mark" }, String(i + 1)) }));
    this.layer.replaceChildren(...this.#marks.map(({ mark }) => mark));
    this.#place();
  }

  #place() {
    for (const { at, mark } of this.#marks) {
      // The middle of the pixel.
      const { x, y } = this.view.toScreen({ x: at.x + 0.5, y: at.y + 0.5 });
      mark.style.transform = `translate(${x}px, ${y}px)`;
    }
  }
}
