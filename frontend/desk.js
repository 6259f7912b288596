/**
 * The lead's desk: the map of what the filter lets through, and ticking the rows of its list. Without scripts the
 * list and its verbs work all the same.
 *
 * @import {Project} from "./api/types.js"
 */
import { boundsOf } from "./map/imagery.js";
import { showOverviewMap } from "./map/overview_map.js";
import { find, jsonOf } from "./ui/elements.js";

/** @type {Project} */
const project = jsonOf("project");
const container = find("#map");
const filter = new URLSearchParams(container.dataset["filter"]);
const map = showOverviewMap(container, project, null, filter.toString());
const bbox = (filter.get("bbox") ?? "").split(",").map(Number);
if (bbox.length === 4 && bbox.every(Number.isFinite)) {
  map.fitBounds(boundsOf(/** @type {[number, number, number, number]} */ (bbox)), { animate: false });
}

find("#list-shown").addEventListener("click", () => {
  const shown = map.getBounds();
  const field = /** @type {HTMLInputElement} */ (find("#id_bbox"));
  const [west, south] = [Math.max(-180, shown.getWest()), Math.max(-85, shown.getSouth())];
  const [east, north] = [Math.min(180, shown.getEast()), Math.min(85, shown.getNorth())];
  field.value = [west, south, east, north].map((degrees) => degrees.toFixed(6)).join(",");
  field.form?.requestSubmit();
});

const boxes = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("input[name=patch]")]);
const all = document.querySelector("#all");
if (all instanceof HTMLInputElement) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    count();
  });
}
for (const box of boxes) box.addEventListener("change", count);

function count() {
  const ticked = boxes.filter((box) => box.checked).length;
  find("#ticked").textContent = ticked ? `${ticked} ticked` : "none ticked";
  if (all instanceof HTMLInputElement) {
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
}
count();
