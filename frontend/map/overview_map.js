/**
 * The project on a map: a scene's imagery, the patches by state, a legend, and what one can do with a patch.
 *
 * @import {PatchState, Project, Scene} from "../api/types.js"
 * @import {PatchFeature} from "./patch_layer.js"
 */
import { number, t } from "../i18n.js";
import { make } from "../ui/elements.js";
import { stateName } from "../ui/states.js";
import { boundsOf, imageryLayer, readyScenes, sceneTitle } from "./imagery.js";
import { PatchLayer } from "./patch_layer.js";
import { PATCH_STATES, hatching } from "./patch_states.js";

/**
 * @param {HTMLElement} container
 * @param {Project} project
 * @param {number | null} sceneId the scene that is shown first; the newest one if null
 * @returns {L.Map}
 */
export function showOverviewMap(container, project, sceneId) {
  const patchZoom = project.patch_zoom;
  const map = L.map(container, { attributionControl: false, maxZoom: (patchZoom ?? 18) + 6 });
  L.control.scale({ imperial: false }).addTo(map);
  const scenes = readyScenes(project.scenes);
  const first = scenes.find(({ id }) => id === sceneId) ?? scenes[0];
  const bounds = (sceneId === null ? project.bounds : null) ?? first?.bounds ?? project.bounds;
  if (bounds) map.fitBounds(boundsOf(bounds), { animate: false });
  else map.setView([0, 20], 3);
  // Far out a scene is a dot, and a tile of it is dear.
  if (bounds) map.setMinZoom(Math.max(0, map.getZoom() - 4));

  /** @type {L.TileLayer | null} */
  let imagery = null;
  const show = (/** @type {Scene} */ scene) => {
    const before = imagery;
    imagery = imageryLayer(scene, patchZoom ?? 18).addTo(map);
    imagery.once("load", () => before?.remove());
    if (before) setTimeout(() => before.remove(), 4000);
  };
  if (first) show(first);

  if (first) control("topright", sceneSwitcher(scenes, first, show)).addTo(map);
  if (patchZoom !== null) showPatches(map, project, patchZoom);
  return map;
}

/**
 * @param {L.Map} map
 * @param {Project} project
 * @param {number} patchZoom
 */
function showPatches(map, project, patchZoom) {
  const patches = new PatchLayer(project.slug, { maxZoom: patchZoom + 6, maxNativeZoom: patchZoom }).addTo(map);
  control("bottomright", patchLegend(patches, map)).addTo(map);
  map.on("click", ({ latlng }) => {
    if (!map.hasLayer(patches)) return;
    const zoom = Math.min(patchZoom, Math.round(map.getZoom()));
    const feature = patches.featureAt(latlng, zoom);
    if (feature) L.popup().setLatLng(latlng).setContent(popup(feature, project)).openOn(map);
  });
}

/**
 * @param {L.ControlPosition} position
 * @param {HTMLElement} content
 */
function control(position, content) {
  const one = new L.Control({ position });
  one.onAdd = () => {
    L.DomEvent.disableClickPropagation(content);
    L.DomEvent.disableScrollPropagation(content);
    return content;
  };
  return one;
}

/**
 * @param {Scene[]} scenes
 * @param {Scene} first
 * @param {(scene: Scene) => void} show
 */
function sceneSwitcher(scenes, first, show) {
  const options = scenes.map((scene) => make("option", { value: String(scene.id), selected: scene === first }, sceneTitle(scene)));
  const choose = (/** @type {Event} */ event) => {
    const { value } = /** @type {HTMLSelectElement} */ (event.target);
    const scene = scenes.find(({ id }) => String(id) === value);
    if (scene) show(scene);
  };
  const select = make("select", { "aria-label": t("Scene that the map shows"), onchange: choose }, ...options);
  return make("div", { class: "map-panel" }, scenes.length > 1 ? select : sceneTitle(first));
}

/**
 * @param {PatchLayer} patches
 * @param {L.Map} map
 */
function patchLegend(patches, map) {
  const toggle = (/** @type {Event} */ event) => {
    const { checked } = /** @type {HTMLInputElement} */ (event.target);
    if (checked) patches.addTo(map);
    else patches.remove();
  };
  const box = make("input", { type: "checkbox", checked: true, onchange: toggle });
  const rows = /** @type {PatchState[]} */ (Object.keys(PATCH_STATES)).map((state) => {
    const sample = make("span", { class: "swatch", "--swatch": `url(${hatching(state).toDataURL()})`, "aria-hidden": "true" });
    sample.style.borderColor = PATCH_STATES[state].color;
    return make("li", {}, sample, PATCH_STATES[state].label);
  });
  return make("div", { class: "map-panel map-legend" }, make("label", {}, box, " ", t("Patches")), make("ul", { class: "legend" }, ...rows));
}

/**
 * @param {PatchFeature} feature
 * @param {Project} project
 */
function popup({ id, state, counts, isMine }, project) {
  if (id === null) {
    const rows = counts.map((one) => make("span", { class: `badge badge--${one.state}` }, `${number(one.count)} ${stateName(one.state)}`));
    return make("div", { class: "map-popup" }, make("div", { class: "row" }, ...rows), t("Zoom in for single patches."));
  }
  const root = `/projects/${project.slug}`;
  const isOpen = state === "unlabelled" || state === "returned" || (state === "claimed" && isMine);
  const mayAnnotate = isOpen && (project.roles.includes("annotator") || project.roles.includes("lead"));
  const mayReview = project.roles.includes("lead") && (state === "submitted" || state === "approved" || state === "returned");
  return make(
    "div",
    { class: "map-popup" },
    make("div", { class: "row" }, make("strong", {}, t("Patch {id}", { id })), make("span", { class: `badge badge--${state}` }, isMine ? t("{state} by you", { state: stateName(state) }) : stateName(state))),
    mayAnnotate && make("a", { class: "button button--small", href: `${root}/annotate/?patch=${id}` }, state === "claimed" ? t("Go on annotating") : t("Annotate it")),
    mayReview && make("a", { class: "button button--small", href: `${root}/review/${id}/` }, state === "submitted" ? t("Review it") : t("Look at it")),
  );
}
