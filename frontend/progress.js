/**
 * The page of progress: coarse tiles on the map, each as green as it is labelled.
 *
 * @import {Project} from "./api/types.js"
 * @import {CoarseTile} from "./map/coarse_tiles.js"
 */
import { showCoarseTiles } from "./map/coarse_tiles.js";
import { showOverviewMap } from "./map/overview_map.js";
import { find, jsonOf } from "./ui/elements.js";

/** @type {Project} */
const project = jsonOf("project");
/** @type {CoarseTile[]} */
const tiles = jsonOf("tiles");
const map = showOverviewMap(find("#map"), project, null);
showCoarseTiles(map, tiles, ({ quadkey }) => {
  document.getElementById(`tile-${quadkey}`)?.querySelector("a")?.focus();
});
