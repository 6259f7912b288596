/**
 * Another date over the imagery: right of a line that is moved over the map, or there and gone in turn.
 *
 * @import {Scene} from "../api/types.js"
 * @import {Comparison as How} from "../state/tools.js"
 * @import {PatchView} from "./patch_view.js"
 */
import { imageryLayer } from "./imagery.js";

/** Slower than three flashes a second, which may harm. */
const FLICKER_MS = 800;

export class Comparison {
  /** @type {L.TileLayer | null} */
  #layer = null;
  /** @type {string | null} */
  #tileUrl = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #share = 0.5;
  /** @type {How} */
  #how = "off";

  /** @param {PatchView} view */
  constructor(view) {
    this.view = view;
    this.pane = view.map.createPane("compared");
    this.pane.style.zIndex = "300";
    view.map.on("move zoom resize", () => this.#clip());
  }

  /**
   * @param {How} how
   * @param {Scene | null} scene
   * @param {number} patchZoom
   */
  show(how, scene, patchZoom) {
    if (how === this.#how && (scene?.tile_url ?? null) === this.#tileUrl) return;
    clearInterval(this.#timer);
    this.#layer?.remove();
    this.#layer = null;
    this.#how = how;
    this.#tileUrl = scene?.tile_url ?? null;
    this.pane.style.visibility = "";
    if (how === "off" || !scene) return;
    this.#layer = imageryLayer(scene, patchZoom, "compared").addTo(this.view.map);
    if (how === "flicker") this.#timer = setInterval(() => this.#flip(), FLICKER_MS);
    this.#clip();
  }

  /** @param {number} share where the line is, from 0 at the left to 1 */
  swipeTo(share) {
    this.#share = share;
    this.#clip();
  }

  #flip() {
    this.pane.style.visibility = this.pane.style.visibility ? "" : "hidden";
  }

  #clip() {
    if (this.#how !== "swipe") {
      this.pane.style.clipPath = "";
      return;
    }
    const { map } = this.view;
    const { x: width, y: height } = map.getSize();
    const from = map.containerPointToLayerPoint([this.#share * width, 0]);
    const to = map.containerPointToLayerPoint([width, height]);
    // The pane has no size of its own, so the shape is given in its pixels.
    this.pane.style.clipPath = `polygon(${[[from.x, from.y], [to.x, from.y], [to.x, to.y], [from.x, to.y]].map(([x, y]) => `${x}px ${y}px`).join(",")})`;
  }
}
