/**
 * Pages about a project: the map in #map where there is one (its data-scene-id says which scene is shown first),
 * progress of jobs and runs, buttons that call the API.
 *
 * @import {Project} from "./api/types.js"
 */
import { showOverviewMap } from "./map/overview_map.js";
import { bindPlaceForm } from "./map/scene_placer.js";
import { jsonOf } from "./ui/elements.js";
import { bindPostButtons } from "./ui/post_buttons.js";
import { followProgress } from "./ui/progress.js";

const container = document.getElementById("map");
if (container) {
  /** @type {Project} */
  const project = jsonOf("project");
  const sceneId = Number(container.dataset["sceneId"]) || null;
  const map = showOverviewMap(container, project, sceneId);
  const form = document.getElementById("place-form");
  if (sceneId && form instanceof HTMLFormElement) bindPlaceForm(form, map, project, sceneId);
}
followProgress();
bindPostButtons();
