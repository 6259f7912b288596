/**
 * The neighbours' approved masks, faint around the patch, so that fields go on beyond its edge.
 *
 * @import {LabelClass, Patch} from "../api/types.js"
 * @import {NeighbourMask} from "../guidance/seams.js"
 * @import {MaskStyle} from "../state/tools.js"
 * @import {PatchView} from "./patch_view.js"
 */
import { SIZE_PX, wholePatch } from "../state/mask.js";
import { CanvasOverlay } from "./canvas_overlay.js";
import { tileBounds } from "./imagery.js";
import { paintStyled, patternsOf } from "./mask_styles.js";
import { paletteOf, unaskedAt } from "./paint.js";

/** Of the opacity of the patch's own mask. */
const FAINT = 0.55;

export class NeighbourMasks {
  /** @type {{overlay: CanvasOverlay, mask: NeighbourMask["mask"]}[]} */
  #shown = [];
  /** @type {MaskStyle} */
  #style = "fill";
  #opacity = 0;

  /**
   * @param {PatchView} view
   * @param {LabelClass[]} legend
   */
  constructor(view, legend) {
    this.map = view.map;
    // Of a neighbour, too, often only points were asked for.
    this.look = { palette: paletteOf(legend), patterns: patternsOf(legend), unsure: unaskedAt };
    const pane = this.map.createPane("neighbours");
    // Over the veil that darkens what is outside, under the patch's own mask.
    pane.style.zIndex = "405";
    pane.style.pointerEvents = "none";
  }

  /**
   * @param {Patch} patch
   * @param {NeighbourMask[]} neighbours
   */
  show({ z, x, y }, neighbours) {
    this.clear();
    this.#shown = neighbours.map(({ dx, dy, mask }) => {
      const bounds = tileBounds({ z, x: x + dx, y: y + dy });
      const overlay = new CanvasOverlay(bounds, SIZE_PX, SIZE_PX, "neighbours", "neighbour-canvas");
      overlay.addTo(this.map);
      return { overlay, mask };
    });
    this.#paint();
  }

  clear() {
    for (const { overlay } of this.#shown) overlay.remove();
    this.#shown = [];
  }

  /**
   * @param {MaskStyle} style
   * @param {number} opacity of the patch's own mask; 0 hides these
   */
  setLook(style, opacity) {
    this.#opacity = opacity;
    if (style !== this.#style) {
      this.#style = style;
      this.#paint();
    } else for (const { overlay } of this.#shown) overlay.setOpacity(FAINT * opacity);
  }

  #paint() {
    for (const { overlay, mask } of this.#shown) {
      paintStyled(mask, { ...this.look, style: this.#style }, overlay.pixels, wholePatch());
      overlay.flush();
      overlay.setOpacity(FAINT * this.#opacity);
    }
  }
}
