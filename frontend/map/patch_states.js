/**
 * How the states of patches look on a map: a colour and a hatching each, so that colour is never alone.
 *
 * @import {PatchState} from "../api/types.js"
 */
import { stateName } from "../ui/states.js";

/** @typedef {"none" | "dots" | "rising" | "solid" | "cross"} Hatch */

/** @type {Record<PatchState, {color: string, hatch: Hatch, label: string}>} */
export const PATCH_STATES = {
  unlabelled: { color: "#8a8578", hatch: "none", label: stateName("unlabelled") },
  claimed: { color: "#0072b2", hatch: "dots", label: stateName("claimed") },
  submitted: { color: "#e69f00", hatch: "rising", label: stateName("submitted") },
  approved: { color: "#00805a", hatch: "solid", label: stateName("approved") },
  returned: { color: "#d1490a", hatch: "cross", label: stateName("returned") },
};

/** @type {Map<PatchState, CanvasPattern | string>} */
const fills = new Map();

/**
 * @param {CanvasRenderingContext2D} context
 * @param {PatchState} state
 * @returns {CanvasPattern | string}
 */
export function fillOf(context, state) {
  const known = fills.get(state);
  if (known) return known;
  const pattern = context.createPattern(hatching(state), "repeat") ?? PATCH_STATES[state].color;
  fills.set(state, pattern);
  return pattern;
}

/**
 * One period of the hatching.
 *
 * @param {PatchState} state
 * @returns {HTMLCanvasElement}
 */
export function hatching(state) {
  const { color, hatch } = PATCH_STATES[state];
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 8;
  const context = canvas.getContext("2d");
  if (!context || hatch === "none") return canvas;
  context.fillStyle = context.strokeStyle = color;
  context.globalAlpha = hatch === "solid" ? 0.5 : 0.22;
  context.fillRect(0, 0, 8, 8);
  context.globalAlpha = 0.95;
  context.lineWidth = 1.6;
  context.beginPath();
  if (hatch === "dots") context.arc(4, 4, 1.5, 0, 2 * Math.PI);
  if (hatch === "rising" || hatch === "cross") for (const shift of [-8, 0, 8]) line(context, shift, 8, shift + 8, 0);
  if (hatch === "cross") for (const shift of [-8, 0, 8]) line(context, shift, 0, shift + 8, 8);
  if (hatch === "dots") context.fill();
  else context.stroke();
  return canvas;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x0
 * @param {number} y0
 * @param {number} x1
 * @param {number} y1
 */
function line(context, x0, y0, x1, y1) {
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
}
