/**
 * A layer of vector tiles that are drawn on canvases; what its features are and how they look is for others to say.
 */
import { VectorTile } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";

import { fetchVectorTile } from "../api/milpa.js";

/**
 * @typedef {import("@mapbox/vector-tile").VectorTileFeature} TileFeature
 * @typedef {{x: number, y: number}} TilePoint in pixels of its tile
 */

/**
 * @template Feature
 * @typedef {object} Kind
 * @property {string} name of the layer in the tiles, and of the tiles in the address
 * @property {(feature: TileFeature, scale: number) => Feature} read `scale` makes pixels of the tile's units
 * @property {(context: CanvasRenderingContext2D, feature: Feature) => void} draw
 * @property {(feature: Feature, point: TilePoint) => boolean} has
 */

export const TILE_PX = 256;

/** @template Feature */
export class VectorLayer extends L.GridLayer {
  /** @type {Map<string, Feature[]>} */
  #features = new Map();
  /** @type {Map<HTMLElement, AbortController>} */
  #loading = new Map();

  /**
   * @param {string} projectSlug
   * @param {Kind<Feature>} kind
   * @param {L.GridLayerOptions} [options]
   * @param {string | null} [filter] a query of the lead's desk, which only leads may ask: only what it lets through
   */
  constructor(projectSlug, kind, options = {}, filter = null) {
    super({ keepBuffer: 1, updateWhenZooming: false, ...options });
    this.root = `/tiles/projects/${projectSlug}/${filter === null ? kind.name : "desk"}`;
    this.filter = filter;
    this.kind = kind;
    this.on("tileunload", (event) => {
      this.#loading.get(event.tile)?.abort();
      this.#loading.delete(event.tile);
      this.#features.delete(keyOf(event.coords));
    });
  }

  /**
   * Leaflet's hook.
   *
   * @override
   * @protected
   * @param {L.Coords} coords
   * @param {L.DoneCallback} done
   * @returns {HTMLElement}
   */
  createTile(coords, done) {
    const canvas = document.createElement("canvas");
    const ratio = Math.min(2, Math.ceil(globalThis.devicePixelRatio || 1));
    canvas.width = canvas.height = TILE_PX * ratio;
    const stop = new AbortController();
    this.#loading.set(canvas, stop);
    const query = this.filter ? `?${this.filter}` : "";
    const url = `${this.root}/${coords.z}/${coords.x}/${coords.y}${query}`;
    fetchVectorTile(url, stop.signal).then(
      (bytes) => {
        const features = this.#featuresIn(bytes);
        this.#features.set(keyOf(coords), features);
        const context = canvas.getContext("2d");
        context?.scale(ratio, ratio);
        if (context) for (const feature of features) this.kind.draw(context, feature);
        done(undefined, canvas);
      },
      (error) => done(error, canvas),
    );
    return canvas;
  }

  /**
   * @param {L.LatLng} latlng
   * @param {number} zoom of the tiles that are shown
   * @returns {Feature | null}
   */
  featureAt(latlng, zoom) {
    const at = L.CRS.EPSG3857.latLngToPoint(latlng, zoom);
    const [x, y] = [Math.floor(at.x / TILE_PX), Math.floor(at.y / TILE_PX)];
    const point = { x: at.x - x * TILE_PX, y: at.y - y * TILE_PX };
    const features = this.#features.get(`${zoom}/${x}/${y}`) ?? [];
    return features.find((feature) => this.kind.has(feature, point)) ?? null;
  }

  /**
   * @param {(feature: Feature) => boolean} isLike
   * @returns {boolean} whether a tile that is kept has such a feature
   */
  has(isLike) {
    return [...this.#features.values()].some((features) => features.some(isLike));
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @returns {Feature[]}
   */
  #featuresIn(bytes) {
    const layer = bytes.length ? new VectorTile(new PbfReader(bytes)).layers[this.kind.name] : undefined;
    if (!layer) return [];
    return Array.from({ length: layer.length }, (_, i) => {
      const feature = layer.feature(i);
      return this.kind.read(feature, TILE_PX / feature.extent);
    });
  }
}

/** @param {L.Coords} coords */
function keyOf({ z, x, y }) {
  return `${z}/${x}/${y}`;
}
