/**
 * The patches of a project from vector tiles, each drawn by its state.
 *
 * @import {PatchState} from "../api/types.js"
 * @import {Rect} from "../state/mask.js"
 * @import {Kind, TileFeature, TilePoint} from "./vector_layer.js"
 */
import { PATCH_STATES, fillOf } from "./patch_states.js";

/**
 * @typedef {object} PatchFeature
 * @property {number | null} id null far out, where one square stands for many patches
 * @property {PatchState} state of the patch, or of most of the patches
 * @property {{state: PatchState, count: number}[]} counts how many of each, where the square stands for many
 * @property {boolean} isCut whether its tile has more patches than were counted
 * @property {boolean} isMine
 * @property {number | null} score
 * @property {Rect} box in pixels of its tile
 */

const KNOWN_STATES = /** @type {PatchState[]} */ (Object.keys(PATCH_STATES));

/** @type {Kind<PatchFeature>} */
export const PATCHES = { name: "patches", read, draw, has: ({ box }, point) => isIn(box, point) };

/**
 * @param {TileFeature} feature
 * @param {number} scale
 * @returns {PatchFeature}
 */
function read(feature, scale) {
  const { id, state, mine, score, cut } = feature.properties;
  const counts = KNOWN_STATES.map((one) => ({ state: one, count: Number(feature.properties[one] ?? 0) }));
  const corners = feature.loadGeometry().flat().map(({ x, y }) => ({ x: x * scale, y: y * scale }));
  const known = String(state) in PATCH_STATES ? /** @type {PatchState} */ (state) : "unlabelled";
  return {
    id: id === undefined ? null : Number(id),
    state: known,
    counts: counts.filter(({ count }) => count > 0),
    isCut: Number(cut) === 1,
    isMine: Number(mine) === 1,
    score: score === undefined ? null : Number(score),
    box: boxOf(corners),
  };
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
 * @param {TilePoint[]} corners
 * @returns {Rect}
 */
function boxOf(corners) {
  const xs = corners.map(({ x }) => x);
  const ys = corners.map(({ y }) => y);
  return { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
}

/**
 * @param {Rect} box
 * @param {TilePoint} point
 */
function isIn(box, point) {
  return point.x >= box.x0 && point.x < box.x1 && point.y >= box.y0 && point.y < box.y1;
}
