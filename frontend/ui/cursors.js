/** A mouse pointer for each tool: cross hairs with the tool's icon beside them. */
import { iconPath } from "./icons.js";

/** @type {Map<string, string>} */
const made = new Map();

/**
 * @param {string} mode
 * @param {string} fallback a CSS cursor
 * @returns {string} a CSS cursor
 */
export function cursorOf(mode, fallback) {
  const path = iconPath(mode);
  if (!path || fallback === "grab") return fallback;
  const known = made.get(mode);
  if (known) return known;
  const drawing = (/** @type {string} */ color, /** @type {number} */ width) =>
    `<g fill="none" stroke="${color}" stroke-linecap="round"><path stroke-width="${width}" d="M8 1v5M8 10v5M1 8h5M10 8h5"/>` +
    `<path stroke-width="${width * 1.4}" transform="translate(14 14) scale(.72)" d="${path}"/></g>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32">${drawing("#000", 3.6)}${drawing("#fff", 1.5)}</svg>`;
  const cursor = `url("data:image/svg+xml,${encodeURIComponent(svg)}") 8 8, ${fallback === "none" ? "crosshair" : fallback}`;
  made.set(mode, cursor);
  return cursor;
}
