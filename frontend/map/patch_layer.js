/**
 * The patches of a project from vector tiles, each drawn by its state.
 *
 * @import {PatchState} from "../api/types.js"
 */
import { VectorTile } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";

import { fetchVectorTile } from "../api/milpa.js";
import { PATCH_STATES, fillOf } from "./patch_states.js";

/**
 * @typedef {object} PatchFeature
 * @property {number} id
 * @property {PatchState} state
 * @property {boolean} isMine
 * @property {number | null} score
 * @property {{x: number, y: number}[][]} rings in pixels of its tile
 */

const TILE_PX = 256;

export class PatchLayer extends L.GridLayer {
  /** @type {Map<string, PatchFeature[]>} */
  #features = new Map();
  /** @type {Map<HTMLElement, AbortController>} */
  #loading = new Map();

  /**
   * @param {string} projectSlug
   * @param {L.GridLayerOptions} [options]
   */
  constructor(projectSlug, options = {}) {
    super({ keepBuffer: 1, updateWhenZooming: false, ...options });
    this.projectSlug = projectSlug;
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
    const url = `/tiles/projects/${this.projectSlug}/patches/${coords.z}/${coords.x}/${coords.y}`;
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
    return features.find(({ rings }) => isInBox(rings[0] ?? [], point)) ?? null;
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
    const scale = TILE_PX / feature.extent;
    const rings = feature.loadGeometry().map((ring) => ring.map(({ x, y }) => ({ x: x * scale, y: y * scale })));
    const known = String(state) in PATCH_STATES ? /** @type {PatchState} */ (state) : "unlabelled";
    return { id: Number(id), state: known, isMine: Number(mine) === 1, score: score === undefined ? null : Number(score), rings };
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {PatchFeature} feature
 */
function draw(context, { rings, state, isMine }) {
  context.beginPath();
  for (const ring of rings) {
    ring.forEach(({ x, y }, i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
  }
  context.fillStyle = fillOf(context, state);
  context.fill();
  context.lineWidth = isMine ? 4 : 1.2;
  context.strokeStyle = isMine ? "#f2bf4a" : PATCH_STATES[state].color;
  context.stroke();
}

/**
 * A patch is a square along the axes.
 *
 * @param {{x: number, y: number}[]} ring
 * @param {{x: number, y: number}} point
 */
function isInBox(ring, point) {
  const xs = ring.map(({ x }) => x);
  const ys = ring.map(({ y }) => y);
  return point.x >= Math.min(...xs) && point.x < Math.max(...xs) && point.y >= Math.min(...ys) && point.y < Math.max(...ys);
}
