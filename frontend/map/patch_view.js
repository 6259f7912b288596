/**
 * A patch in its surroundings: imagery, a veil over what is outside, the mask, the entropy.
 *
 * @import {LabelClass, Patch, Scene} from "../api/types.js"
 * @import {Mask, Point, Rect} from "../state/mask.js"
 * @import {MaskStyle} from "../state/tools.js"
 */
import { asksForPoints } from "../state/asked_points.js";
import { SIZE_PX, union, wholePatch } from "../state/mask.js";
import { CanvasOverlay } from "./canvas_overlay.js";
import { imageryLayer, tileBounds } from "./imagery.js";
import { paintStyled, patternsOf } from "./mask_styles.js";
import { paintDifference, paintEntropy, paletteOf, unaskedAt, unsureAt } from "./paint.js";

const WORLD = [[-85.06, -720], [85.06, -720], [85.06, 720], [-85.06, 720]];

export class PatchView {
  /** @type {L.TileLayer | null} */
  #imagery = null;
  /** @type {L.LayerGroup | null} */
  #frame = null;
  /** @type {CanvasOverlay | null} */
  #mask = null;
  /** @type {CanvasOverlay | null} */
  #entropy = null;
  /** @type {CanvasOverlay | null} */
  #difference = null;
  /** @type {Rect | null} what of the mask is not on the screen yet */
  #dirty = null;
  /** @type {{frame: number, box: DOMRect, outer: DOMRect} | null} */
  #placed = null;
  #opacity = 0.55;
  #isMaskHidden = false;
  #isEntropyShown = false;
  /** @type {Parameters<typeof paintStyled>[1]} */
  #look;

  /**
   * @param {HTMLElement} container
   * @param {LabelClass[]} legend
   * @param {{isAlone?: boolean, maskOf?: () => Mask | null}} [options] `maskOf` gives the mask when a part of it is
   *   redrawn; a view beside others has no controls and moves without animation
   */
  constructor(container, legend, { isAlone = true, maskOf = () => null } = {}) {
    this.container = container;
    this.maskOf = maskOf;
    this.legend = legend;
    this.#look = { palette: paletteOf(legend), patterns: patternsOf(legend), style: "fill" };
    this.map = L.map(container, {
      zoomControl: isAlone,
      zoomAnimation: isAlone,
      // The editor draws with the pointer; its mode for moving turns this on.
      dragging: !isAlone,
      // And with the arrow keys.
      keyboard: !isAlone,
      attributionControl: false,
      boxZoom: false,
      doubleClickZoom: false,
      zoomSnap: isAlone ? 1 : 0.25,
      wheelPxPerZoomLevel: 90,
      maxZoom: 26,
    });
    ["veil", "mask", "entropy", "frame"].forEach((name, i) => {
      const pane = this.map.createPane(name);
      pane.style.zIndex = String(400 + 10 * i);
      pane.style.pointerEvents = "none";
    });
    this.map.on("move zoom viewreset resize layeradd layerremove", () => (this.#placed = null));
    if (isAlone) L.control.scale({ imperial: false }).addTo(this.map);
  }

  /** @param {Patch} patch */
  showPatch(patch) {
    this.clear();
    this.patch = patch;
    const isNullShown = asksForPoints(patch);
    this.#look = { ...this.#look, palette: paletteOf(this.legend, { isNullShown }), unsure: isNullShown ? unaskedAt : unsureAt };
    const bounds = tileBounds(patch);
    const corners = [bounds.getNorthWest(), bounds.getNorthEast(), bounds.getSouthEast(), bounds.getSouthWest()];
    const veil = L.polygon(/** @type {L.LatLngExpression[][]} */ ([WORLD, corners]), {
      pane: "veil",
      stroke: false,
      fillColor: "#12201a",
      fillOpacity: 0.45,
      interactive: false,
    });
    const frame = L.rectangle(bounds, { pane: "frame", fill: false, color: "#f2bf4a", weight: 2, interactive: false });
    this.#frame = L.layerGroup([veil, frame]).addTo(this.map);
    this.#mask = new CanvasOverlay(bounds, SIZE_PX, SIZE_PX, "mask", "mask-canvas");
    this.#mask.addTo(this.map);
    this.#applyVisibility();
    this.center();
  }

  /** Shows the patch as large as it fits; in the editor, every mask pixel is a whole number of screen pixels. */
  center() {
    if (!this.patch) return;
    const { x, y } = this.map.getSize();
    const snap = this.map.options.zoomSnap ?? 1;
    const levels = Math.floor(Math.log2(Math.max(1, Math.min(x, y) / SIZE_PX)) / snap) * snap;
    const zoom = this.patch.z + levels;
    this.map.setView(tileBounds(this.patch).getCenter(), zoom, { animate: false });
    // Afterwards: from further out, a limit would start an animation of its own.
    this.map.setMinZoom(this.patch.z - 5);
  }

  /**
   * Brings a point of the patch to the middle, near enough to draw there.
   *
   * @param {Point} point
   */
  lookAt({ x, y }) {
    if (!this.patch) return;
    const { z } = this.patch;
    const middle = L.CRS.EPSG3857.pointToLatLng(L.point(this.patch.x * SIZE_PX + x, this.patch.y * SIZE_PX + y), z);
    this.map.setView(middle, Math.max(this.map.getZoom(), z + 3), { animate: false });
  }

  /**
   * Brings a point of the patch to the middle.
   *
   * @param {Point} point
   */
  centerOn(point) {
    const { x, y } = this.toScreen(point);
    const size = this.map.getSize();
    this.map.panBy([x - size.x / 2, y - size.y / 2], { animate: false });
  }

  /**
   * Moves the map only where the point is out of sight.
   *
   * @param {Point} point
   */
  reveal(point) {
    const { x, y } = this.toScreen(point);
    const size = this.map.getSize();
    const isSeen = x > 0 && y > 0 && x < size.x && y < size.y;
    if (!isSeen) this.centerOn(point);
  }

  clear() {
    for (const layer of [this.#frame, this.#mask, this.#entropy, this.#difference]) layer?.remove();
    this.#frame = this.#mask = this.#entropy = this.#difference = null;
    this.patch = null;
  }

  /**
   * @param {Scene} scene
   * @param {number} patchZoom
   */
  showScene(scene, patchZoom) {
    const before = this.#imagery;
    this.#imagery = imageryLayer(scene, patchZoom);
    // The old imagery stays until the new one is there, so that switching dates does not flash.
    this.#imagery.once("load", () => before?.remove());
    this.#imagery.addTo(this.map);
    if (before) setTimeout(() => before.remove(), 4000);
  }

  /**
   * Redraws a part of the mask with the next frame.
   *
   * @param {Rect} [rect]
   */
  redraw(rect = wholePatch()) {
    if (!this.#dirty) requestAnimationFrame(() => this.#flush());
    // An outline moves in the pixels beside a change too.
    const { x0, y0, x1, y1 } = rect;
    const around = { x0: Math.max(0, x0 - 1), y0: Math.max(0, y0 - 1), x1: Math.min(SIZE_PX, x1 + 1), y1: Math.min(SIZE_PX, y1 + 1) };
    this.#dirty = union(this.#dirty, around);
  }

  /** @param {MaskStyle} style */
  setStyle(style) {
    if (style === this.#look.style) return;
    this.#look = { ...this.#look, style };
    this.redraw();
  }

  /** @param {{brightness: number, contrast: number}} look in per cent */
  setImageryLook({ brightness, contrast }) {
    const filter = brightness === 100 && contrast === 100 ? "" : `brightness(${brightness}%) contrast(${contrast}%)`;
    for (const name of ["tilePane", "compared"]) {
      const pane = this.map.getPane(name);
      if (pane) pane.style.filter = filter;
    }
  }

  #flush() {
    const rect = this.#dirty;
    const mask = this.maskOf();
    this.#dirty = null;
    if (!rect || !mask || !this.#mask) return;
    paintStyled(mask, this.#look, this.#mask.pixels, rect);
    this.#mask.flush(rect.x0, rect.y0, rect.x1 - rect.x0, rect.y1 - rect.y0);
  }

  /**
   * @param {Uint8Array} entropy
   * @param {number} rows
   * @param {number} columns
   */
  setEntropy(entropy, rows, columns) {
    if (!this.patch) return;
    this.#entropy?.remove();
    this.#entropy = new CanvasOverlay(tileBounds(this.patch), columns, rows, "entropy", "entropy-canvas");
    paintEntropy(entropy, this.#entropy.pixels);
    this.#entropy.flush();
    this.#entropy.addTo(this.map);
    this.#applyVisibility();
  }

  /**
   * @param {Mask | null} a
   * @param {Mask | null} b
   */
  setDifference(a, b) {
    this.#difference?.remove();
    this.#difference = null;
    if (!a || !b || !this.patch) return;
    this.#difference = new CanvasOverlay(tileBounds(this.patch), SIZE_PX, SIZE_PX, "entropy", "difference-canvas");
    paintDifference(a, b, this.#difference.pixels);
    this.#difference.flush();
    this.#difference.addTo(this.map);
  }

  /** @param {{opacity?: number, isMaskHidden?: boolean, isEntropyShown?: boolean}} how */
  setVisibility(how) {
    this.#opacity = how.opacity ?? this.#opacity;
    this.#isMaskHidden = how.isMaskHidden ?? this.#isMaskHidden;
    this.#isEntropyShown = how.isEntropyShown ?? this.#isEntropyShown;
    this.#applyVisibility();
  }

  #applyVisibility() {
    this.#mask?.setOpacity(this.#isMaskHidden ? 0 : this.#opacity);
    this.#entropy?.setOpacity(this.#isEntropyShown ? 0.75 : 0);
  }

  /**
   * Where the mask and the map lie, read once a frame: asked again after the page has changed, the browser would have
   * to lay it out for each point of a stroke.
   *
   * @returns {{box: DOMRect, outer: DOMRect}}
   */
  #places() {
    const frame = Number(document.timeline.currentTime);
    if (this.#placed?.frame !== frame) {
      const box = this.#mask?.canvas.getBoundingClientRect() ?? new DOMRect();
      this.#placed = { frame, box, outer: this.container.getBoundingClientRect() };
    }
    return this.#placed;
  }

  /** @returns {number} screen pixels a patch pixel */
  scale() {
    return this.#mask ? this.#places().box.width / SIZE_PX : 1;
  }

  /**
   * @param {number} clientX
   * @param {number} clientY
   * @returns {Point | null} where that is on the patch; outside of it too
   */
  toPatch(clientX, clientY) {
    if (!this.#mask) return null;
    const { box } = this.#places();
    return { x: ((clientX - box.left) / box.width) * SIZE_PX, y: ((clientY - box.top) / box.height) * SIZE_PX };
  }

  /**
   * @param {Point} point
   * @returns {{x: number, y: number}} within the container
   */
  toScreen(point) {
    const { box, outer } = this.#places();
    return {
      x: box.left - outer.left + (point.x / SIZE_PX) * box.width,
      y: box.top - outer.top + (point.y / SIZE_PX) * box.height,
    };
  }
}
