/** A canvas that lies on the map exactly over a tile: no warping, and each of its pixels stays a square. */

export class CanvasOverlay extends L.ImageOverlay {
  /**
   * @param {L.LatLngBoundsExpression} bounds
   * @param {number} width in canvas pixels
   * @param {number} height
   * @param {string} pane
   * @param {string} className
   */
  constructor(bounds, width, height, pane, className) {
    super("", bounds, { pane, className, interactive: false });
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    const context = this.canvas.getContext("2d");
    if (!context) throw new Error("This browser cannot draw on a canvas.");
    this.context = context;
    this.image = context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /** Leaflet's hook: the element that is laid over the map. */
  _initImage() {
    const element = this.canvas;
    element.classList.add("leaflet-image-layer", "canvas-overlay");
    if (this.hasZoomAnimation()) element.classList.add("leaflet-zoom-animated");
    if (this.options.className) element.classList.add(this.options.className);
    this._image = element;
  }

  /** @returns {boolean} Leaflet sets the flag when the layer is added */
  hasZoomAnimation() {
    return /** @type {{_zoomAnimated?: boolean}} */ (/** @type {unknown} */ (this))._zoomAnimated ?? false;
  }

  /**
   * Puts a part of `pixels` on the screen.
   *
   * @param {number} x0
   * @param {number} y0
   * @param {number} width
   * @param {number} height
   */
  flush(x0 = 0, y0 = 0, width = this.canvas.width, height = this.canvas.height) {
    this.context.putImageData(this.image, 0, 0, x0, y0, width, height);
  }
}
