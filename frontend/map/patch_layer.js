/**
 * The patches of a project from vector tiles, each drawn by its state.
 *
 * @import {PatchState} from "../api/types.js"
 * @import {Rect} from "../state/mask.js"
 */
import { VectorTile } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";

import { fetchVectorTile } from "../api/milpa.js";
import { PATCH_STATES, fillOf } from "./patch_states.js";

/**
 * @typedef {object} PatchFeature
 * @property {number | null} id null far out, where one square stands for many patches
 * @property {PatchState} state of the patch, or of most of the patches
 * @property {{state: PatchState, count: number}[]} counts how many of each, where the square stands for many
 * @property {boolean} isMine
 * @property {number | null} score
 * @property {Rect} box in pixels of its tile
 */

const TILE_PX = 256;
const KNOWN_STATES = /** @type {PatchState[]} */ (Object.keys(PATCH_STATES));

export class PatchLayer extends L.GridLayer {
  /** @type {Map<string, PatchFeature[]>} */
  #features = new Map();
  /** @type {Map<HTMLElement, AbortController>} */
  #loading = new Map();

  /**
   * @param {string} projectSlug
   * @param {L.GridLayerOptions} [options]
   * @param {string | null} [filter] a query of the lead's desk, which only leads may ask
   */
  constructor(projectSlug, options = {}, filter = null) {
    super({ keepBuffer: 1, updateWhenZooming: false, ...options });
    this.root = `/tiles/projects/${projectSlug}/${filter === null ? "patches" : "desk"}`;
    this.query = filter ? `?${filter}` : "";
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
    const url = `${this.root}/${coords.z}/${coords.x}/${coords.y}${this.query}`;
    fetchVectorTile(url, stop.signal).then(
      (bytes) => {
        const features = featuresIn(bytes);
        this.#features.set(keyOf(coords), features);
        const context = canvas.getContext("2d");
        context?.scale(ratio, ratio);
        if (context) for (const feature of features) draw(context, feature);
        done(undefined, canvas);
      },
      (error) => done(error, canvas),
    );
    return canvas;
  }

  /**
   * @param {L.LatLng} latlng
   * @param {number} zoom of the tiles that are shown
   * @returns {PatchFeature | null}
   */
  featureAt(latlng, zoom) {
    const at = L.CRS.EPSG3857.latLngToPoint(latlng, zoom);
    const [x, y] = [Math.floor(at.x / TILE_PX), Math.floor(at.y / TILE_PX)];
    const point = { x: at.x - x * TILE_PX, y: at.y - y * TILE_PX };
    const features = this.#features.get(`${zoom}/${x}/${y}`) ?? [];
    return features.find(({ box }) => isIn(box, point)) ?? null;
  }
}

/** @param {L.Coords} coords */
function keyOf({ z, x, y }) {
  return `${z}/${x}/${y}`;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {PatchFeature[]}
 */
function featuresIn(bytes) {
  const layer = bytes.length ? new VectorTile(new PbfReader(bytes)).layers["patches"] : undefined;
  if (!layer) return [];
  return Array.from({ length: layer.length }, (_, i) => {
    const feature = layer.feature(i);
    const { id, state, mine, score } = feature.properties;
    const counts = KNOWN_STATES.map((one) => ({ state: one, count: Number(feature.properties[one] ?? 0) }));
    const scale = TILE_PX / feature.extent;
    const corners = feature.loadGeometry().flat().map(({ x, y }) => ({ x: x * scale, y: y * scale }));
    const known = String(state) in PATCH_STATES ? /** @type {PatchState} */ (state) : "unlabelled";
    return {
      id: id === undefined ? null : Number(id),
      state: known,
      counts: counts.filter(({ count }) => count > 0),
      isMine: Number(mine) === 1,
      score: score === undefined ? null : Number(score),
      box: boxOf(corners),
    };
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {PatchFeature} feature
 */
function draw(context, { box, state, isMine }) {
  const [x, y, width, height] = [box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0];
  context.fillStyle = fillOf(context, state);
  context.fillRect(x, y, width, height);
  // The line lies inside, so that a tile's edge does not cut it in half.
  const line = Math.min(isMine ? 3 : 1.2, width / 3);
  context.lineWidth = line;
  context.strokeStyle = isMine ? "#f2bf4a" : PATCH_STATES[state].color;
  context.strokeRect(x + line / 2, y + line / 2, width - line, height - line);
}

/**
 * A patch is a square along the axes, so its box is the patch.
 *
 * @param {{x: number, y: number}[]} corners
 * @returns {Rect}
 */
function boxOf(corners) {
  const xs = corners.map(({ x }) => x);
  const ys = corners.map(({ y }) => y);
  return { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
}

/**
 * @param {Rect} box
 * @param {{x: number, y: number}} point
 */
function isIn(box, point) {
  return point.x >= box.x0 && point.x < box.x1 && point.y >= box.y0 && point.y < box.y1;
}
