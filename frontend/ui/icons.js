/** Icons as line drawings on a 24 × 24 grid; the label beside or behind them says the same in words. */

/** @type {Record<string, string>} */
const PATHS = {
  brush: "M20 4 10 14M8.5 13.5c-2.5 0-4 1.7-4 3.7 0 1.2-.6 2-1.5 2.5 4.5 1 8-.5 8-3.7 0-1.4-1-2.5-2.5-2.500Z",
  eraser: "M9 20h11M5 14.5 13.5 6a2 2 0 0 1 2.8 0l3.2 3.200a2 2 0 0 1 0 2.800L11.5 20H9l-4-4a1 1 0 0 1 0-1.500ZM9.5 10l6 6",
  polygon: "M5 9 13 4l7 6-3 9-10 1ZM5 9l2 11",
  fill: "M4 12 11.5 4.5 19 12l-6.5 6.500a2 2 0 0 1-2.8 0ZM4 12h15M21 15s1.5 2.2 1.5 3.500a1.5 1.5 0 0 1-3 0C19.5 17.2 21 15 21 15Z",
  smart: "M18 3 9 12M7.5 11.500c-2.2 0-3.5 1.500-3.5 3.300 0 1-.5 1.700-1.300 2.100 4 .9 7-.4 7-3.200M17 13v4M15 15h4M20.5 18.500v3M19 20h3",
  alike: "M4 20 14 10M12.5 8.500l3 3M17 3v4M15 5h4M20 10v3M18.500 11.500h3M9 3v3M7.5 4.500h3",
  lasso: "M12 4c5 0 9 2.300 9 5.500S17 15 12 15s-9-2.300-9-5.500S7 4 12 4ZM7 14.500c-2 1-2 3.500 0 3.500s2.500 2 .5 3.500",
  pen: "M4 20l3.500-1L19 7.500 16.5 5 5 16.500ZM14 7.500l2.500 2.500M12 20h8",
  merge: "M3 6h7v12H3ZM14 6h7v12h-7ZM10 12h4M8 10l-2 2 2 2M16 10l2 2-2 2",
  lock: "M6 11h12v9H6ZM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  only: "M4 4h16v16H4ZM4 12h16M12 4v16M14.500 14.500h3v3h-3Z",
  previous: "M4 12a8 8 0 1 0 2.500-5.800M4 4v4.500h4.500M12 8v4.500l3 2",
  clear: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13M10.5 11v5.500M13.500 11v5.500",
  burn: "M4 15v5h16v-5M12 3v11M8 10l4 4 4-4",
  nextSpot: "M12 4a8 8 0 1 0 8 8M12 8.500a3.500 3.500 0 1 0 3.500 3.500M15 4h5v5M20 4l-6 6",
  style: "M4 4h7v7H4ZM13 13h7v7h-7ZM13 4h7v7h-7ZM4 20l7-7M4 16l3-3M8 20l3-3",
  masks: "M4 4h9v9H4ZM11 11h9v9h-9ZM16 4v4h4M8 20v-4H4",
  neighbours: "M9 9h6v6H9ZM9 3v3M15 3v3M9 18v3M15 18v3M3 9h3M3 15h3M18 9h3M18 15h3",
  bands: "M3 7l9-4 9 4-9 4ZM3 12l9 4 9-4M3 17l9 4 9-4",
  compare: "M4 5h16v14H4ZM12 3v18M8 9.500 5.500 12 8 14.500M16 9.500l2.500 2.500-2.500 2.500",
  points: "M4 4h5v5H4ZM15 6h3v3h-3ZM7 15h3v3H7ZM14 14l6 2.500-2.500 1L16.500 20Z",
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
  firstPatch: "M12 2.500a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19ZM9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.7.300-1 .800-1 1.700M12 17h.01",
  shortcuts: "M3 7h18v11H3ZM7 11h.01M11 11h.01M15 11h.01M8 15h8",
};

/**
 * @param {string} name
 * @returns {string | undefined} the drawing alone
 */
export function iconPath(name) {
  return PATHS[name];
}

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
