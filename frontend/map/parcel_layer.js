/**
 * The parcels of a project from vector tiles, each in the colour of its class; far out, how much of the land they cover.
 *
 * @import {LabelClass} from "../api/types.js"
 * @import {Kind, TileFeature} from "./vector_layer.js"
 */

/**
 * @typedef {object} ParcelFeature
 * @property {number | null} id null far out, where one square stands for many parcels
 * @property {number} value of its class
 * @property {number} hectares
 * @property {string} origin
 * @property {number} count of the parcels, where the square stands for many
 * @property {number} share of the square that parcels cover
 * @property {Path2D} path in pixels of its tile
 */

const M2_A_HECTARE = 10_000;
const CELL_COLOR = "#f2bf4a";
const ruler = document.createElement("canvas").getContext("2d");

/**
 * @param {LabelClass[]} legend
 * @returns {Kind<ParcelFeature>}
 */
export function parcelsOf(legend) {
  const colors = new Map(legend.map(({ value, color }) => [value, color]));
  return {
    name: "parcels",
    read,
    draw: (context, feature) => draw(context, feature, colors.get(feature.value) ?? CELL_COLOR),
    has: ({ path }, { x, y }) => ruler?.isPointInPath(path, x, y, "evenodd") ?? false,
  };
}

/**
 * @param {TileFeature} feature
 * @param {number} scale
 * @returns {ParcelFeature}
 */
function read(feature, scale) {
  const { id, value, area_m2: areaM2, origin, parcels, share } = feature.properties;
  const path = new Path2D();
  for (const ring of feature.loadGeometry()) {
    for (const [i, { x, y }] of ring.entries()) {
      if (i) path.lineTo(x * scale, y * scale);
      else path.moveTo(x * scale, y * scale);
    }
    path.closePath();
  }
  return {
    id: id === undefined ? null : Number(id),
    value: Number(value ?? -1),
    hectares: Number(areaM2 ?? 0) / M2_A_HECTARE,
    origin: String(origin ?? ""),
    count: Number(parcels ?? 1),
    share: Number(share ?? 1),
    path,
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {ParcelFeature} feature
 * @param {string} color
 */
function draw(context, { id, path, share }, color) {
  context.fillStyle = color;
  context.globalAlpha = id === null ? 0.75 * share : 0.3;
  context.fill(path, "evenodd");
  context.globalAlpha = 1;
  if (id === null) return;
  // A dark line beneath a light one is seen on any ground.
  context.lineJoin = "round";
  context.lineWidth = 2.4;
  context.strokeStyle = "rgb(20 20 20 / 55%)";
  context.stroke(path);
  context.lineWidth = 1.1;
  context.strokeStyle = color;
  context.stroke(path);
}
