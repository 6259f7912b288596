/** Icons as line drawings on a 24 × 24 grid; the label beside or behind them says the same in words. */

/** @type {Record<string, string>} */
const PATHS = {
  brush: "M20 4 10 14M8.5 13.5c-2.5 0-4 1.7-4 3.7 0 1.2-.6 2-1.5 2.5 4.5 1 8-.5 8-3.7 0-1.4-1-2.5-2.5-2.500Z",
  eraser: "M9 20h11M5 14.5 13.5 6a2 2 0 0 1 2.8 0l3.2 3.200a2 2 0 0 1 0 2.800L11.5 20H9l-4-4a1 1 0 0 1 0-1.500ZM9.5 10l6 6",
  polygon: "M5 9 13 4l7 6-3 9-10 1ZM5 9l2 11",
  fill: "M4 12 11.5 4.5 19 12l-6.5 6.500a2 2 0 0 1-2.8 0ZM4 12h15M21 15s1.5 2.2 1.5 3.500a1.5 1.5 0 0 1-3 0C19.5 17.2 21 15 21 15Z",
  pan: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3",
  outline: "M4 8 12 3l8 6-3 11H7ZM8 10l4-2.5 4 3-1.5 5.500h-5Z",
  smaller: "M6 12h12M12 2.500a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19Z",
  larger: "M6 12h12M12 6v12M12 2.500a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19Z",
  undo: "M8 5 4 9l4 4M4 9h9a6 6 0 0 1 0 12h-3",
  redo: "m16 5 4 4-4 4M20 9h-9a6 6 0 0 0 0 12h3",
  reset: "M5 4v6h6M5.5 10A8 8 0 1 1 4 15",
  hide: "M3 3l18 18M10 6.300A9 9 0 0 1 21.5 12a14 14 0 0 1-2.5 3.500M6 7.500A14 14 0 0 0 2.5 12 10 10 0 0 0 15.5 17.5",
  entropy: "M12 3c4 4 6 7 6 10.500a6 6 0 0 1-12 0C6 11.5 7 10 8 9c.5 1.5 1.5 2 2.5 2C10.5 8 10.5 6 12 3Z",
  scene: "M4 6h16v14H4ZM4 10h16M8 3v4M16 3v4M9 15h6M13 13l2 2-2 2",
  center: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5M12 9.500v5M9.5 12h5",
  shortcuts: "M3 7h18v11H3ZM7 11h.01M11 11h.01M15 11h.01M8 15h8",
};

/**
 * @param {string} name
 * @returns {SVGElement | null}
 */
export function icon(name) {
  const path = PATHS[name];
  if (!path) return null;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(svg.namespaceURI, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return /** @type {SVGElement} */ (svg);
}
