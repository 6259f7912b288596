/**
 * The page of assignments: what is given to whom on the map, and tiles or an area to give, chosen there. Without
 * scripts the form works all the same.
 *
 * @import {Project} from "./api/types.js"
 * @import {CoarseTile} from "./map/coarse_tiles.js"
 */
import { drawArea } from "./map/area_drawing.js";
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
const tilesField = document.querySelector("textarea[name=tiles]");
const areaField = document.querySelector("textarea[name=area]");
const map = showOverviewMap(find("#map"), project, null);
let isDrawing = false;

const group = showCoarseTiles(map, tiles, ({ quadkey }, square) => {
  if (isDrawing || !(tilesField instanceof HTMLTextAreaElement)) return;
  const keys = new Set(tilesField.value.split(/[\s,;]+/).filter(Boolean));
  if (!keys.delete(quadkey)) keys.add(quadkey);
  tilesField.value = [...keys].join("\n");
  markChosen(square, keys.has(quadkey));
});
if (tilesField instanceof HTMLTextAreaElement) {
  const show = () => {
    const keys = new Set(tilesField.value.split(/[\s,;]+/));
    for (const [quadkey, square] of group.byQuadkey) markChosen(square, keys.has(quadkey));
  };
  tilesField.addEventListener("input", show);
  show();
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
button.hidden = !areaField;
button.addEventListener("click", () => {
  if (isDrawing || !(areaField instanceof HTMLTextAreaElement)) return;
  isDrawing = true;
  button.setAttribute("aria-pressed", "true");
  help.textContent = "Click the corners; a click on the first one, or Enter, closes the area. Esc stops.";
  group.remove();
  drawArea(map, (area) => {
    isDrawing = false;
    button.setAttribute("aria-pressed", "false");
    help.textContent = area ? "The area is in the form." : "Click tiles to choose them.";
    group.addTo(map);
    if (!area) return;
    areaField.value = JSON.stringify(area);
    if (tilesField instanceof HTMLTextAreaElement) {
      tilesField.value = "";
      tilesField.dispatchEvent(new Event("input"));
    }
  });
});
