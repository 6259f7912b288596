/**
 * The page of assignments: what is given to whom on the map, and tiles or an area to give, chosen there. Without
 * scripts the form works all the same.
 *
 * @import {Project} from "./api/types.js"
 * @import {CoarseTile} from "./map/coarse_tiles.js"
 */
import { drawArea, showWritten } from "./map/area_drawing.js";
import { markChosen, showCoarseTiles } from "./map/coarse_tiles.js";
import { showOverviewMap } from "./map/overview_map.js";
import { find, jsonOf } from "./ui/elements.js";

/**
 * @typedef {object} GivenArea
 * @property {string} name
 * @property {string[]} people
 * @property {number} left
 * @property {GeoJSON.MultiPolygon} area
 */

/** @type {Project} */
const project = jsonOf("project");
/** @type {CoarseTile[]} */
const tiles = jsonOf("tiles");
/** @type {GivenArea[]} */
const areas = jsonOf("areas");
/** @type {HTMLTextAreaElement | null} */
const tilesField = document.querySelector("textarea[name=tiles]");
/** @type {HTMLTextAreaElement | null} */
const areaField = document.querySelector("textarea[name=area]");
const map = showOverviewMap(find("#map"), project, null);
/** @type {(() => void) | null} */
let giveUpDrawing = null;

const group = showCoarseTiles(map, tiles, ({ quadkey }) => {
  if (!tilesField) return;
  const keys = new Set(keysIn(tilesField));
  if (!keys.delete(quadkey)) keys.add(quadkey);
  write(tilesField, [...keys].join("\n"));
});
/** @type {L.Layer | null} */
let written = null;
tilesField?.addEventListener("input", () => {
  if (areaField?.value && tilesField.value) write(areaField, "");
  show();
});
areaField?.addEventListener("input", () => {
  if (tilesField?.value && areaField.value) write(tilesField, "");
  show();
});
show();

/** What the form has, on the map. */
function show() {
  const keys = new Set(keysIn(tilesField));
  for (const [quadkey, square] of group.byQuadkey) markChosen(square, keys.has(quadkey));
  written?.remove();
  written = showWritten(map, areaField?.value ?? "");
}

/** @param {HTMLTextAreaElement | null} field */
function keysIn(field) {
  return field?.value.split(/[\s,;]+/).filter(Boolean) ?? [];
}

/**
 * @param {HTMLTextAreaElement} field
 * @param {string} value
 */
function write(field, value) {
  field.value = value;
  field.dispatchEvent(new Event("input"));
}

for (const { name, people, left, area } of areas) {
  const outline = L.geoJSON(area, { interactive: false, style: { color: "#0072b2", weight: 3, fillOpacity: 0.08, dashArray: "6 4" } });
  outline.addTo(map);
  L.marker(outline.getBounds().getCenter(), {
    interactive: false,
    keyboard: false,
    icon: L.divIcon({ className: "area-name", html: "", iconSize: undefined }),
  })
    .addTo(map)
    .getElement()
    ?.append(`${name}: ${people.join(", ")}, ${left} left`);
}

const button = find("#draw-area");
const help = find("#draw-help");
button.hidden = help.hidden = !areaField;
button.addEventListener("click", () => {
  if (giveUpDrawing) return giveUpDrawing();
  if (!areaField) return;
  button.setAttribute("aria-pressed", "true");
  help.textContent =
    "Click the corners; a click on the first one, a double click or Enter closes the area. Backspace takes the last corner back, Esc stops.";
  group.remove();
  giveUpDrawing = drawArea(map, (area) => {
    giveUpDrawing = null;
    button.setAttribute("aria-pressed", "false");
    help.textContent = area ? "The area is in the form." : "Click tiles to choose them.";
    group.addTo(map);
    if (area) write(areaField, JSON.stringify(area));
  });
});
