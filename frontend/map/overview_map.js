/**
 * The project on a map: a scene's imagery, the patches by state, the parcels, a legend, and what one can do with a patch.
 *
 * @import {PatchState, Project, Scene} from "../api/types.js"
 * @import {ParcelFeature} from "./parcel_layer.js"
 * @import {PatchFeature} from "./patch_layer.js"
 */
import { number, percent, t, tn } from "../i18n.js";
import { make } from "../ui/elements.js";
import { stateName } from "../ui/states.js";
import { isDrawnOn } from "./area_drawing.js";
import { boundsOf, compositeName, compositesOf, imageryLayer, inComposite, readyScenes, sceneTitle } from "./imagery.js";
import { parcelsOf } from "./parcel_layer.js";
import { PATCHES } from "./patch_layer.js";
import { PATCH_STATES, hatching } from "./patch_states.js";
import { VectorLayer } from "./vector_layer.js";

/** @type {Record<string, string>} who drew a parcel */
const ORIGINS = {
  accepted: t("proposed and accepted as it was"),
  corrected: t("proposed and corrected"),
  drawn: t("drawn by hand"),
  imported: t("imported"),
};

/**
 * @param {HTMLElement} container
 * @param {Project} project
 * @param {number | null} sceneId the scene that is shown first; the newest one if null
 * @param {string | null} [filter] a query of the lead's desk: only what it lets through is shown
 * @returns {L.Map}
 */
export function showOverviewMap(container, project, sceneId, filter = null) {
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
  if (first) control("topright", sceneSwitcher(scenes, first, show)).addTo(map);
  if (patchZoom !== null) showPatches(map, project, patchZoom, filter);
  return map;
}

/**
 * @param {L.Map} map
 * @param {Project} project
 * @param {number} patchZoom
 * @param {string | null} filter
 */
function showPatches(map, project, patchZoom, filter) {
  const zooms = { maxZoom: patchZoom + 6, maxNativeZoom: patchZoom };
  const patches = new VectorLayer(project.slug, PATCHES, zooms, filter).addTo(map);
  if (filter) tellWhatIsLeftOut(map, patches, filter);
  const parcels = new VectorLayer(project.slug, parcelsOf(project.legend), zooms);
  if (project.patch_counts.approved) parcels.addTo(map);
  control("bottomright", mapLegend(patches, parcels, map)).addTo(map);
  map.on("click", ({ latlng }) => {
    if (isDrawnOn(map)) return;
    const zoom = Math.min(patchZoom, Math.round(map.getZoom()));
    const parcel = map.hasLayer(parcels) ? parcels.featureAt(latlng, zoom) : null;
    const patch = map.hasLayer(patches) ? patches.featureAt(latlng, zoom) : null;
    const parts = [parcel && aboutParcel(parcel, project), patch && aboutPatch(patch, project)].filter((part) => part !== null);
    if (parts.length) L.popup().setLatLng(latlng).setContent(make("div", { class: "map-popup" }, ...parts)).openOn(map);
  });
}

/**
 * Far out, a tile counts so many of a filter's patches at most; the map says so where it does, and counts all if asked.
 *
 * @param {L.Map} map
 * @param {VectorLayer<PatchFeature>} patches
 * @param {string} filter
 */
function tellWhatIsLeftOut(map, patches, filter) {
  const countAll = () => {
    patches.filter = `${filter}&whole=1`;
    patches.redraw();
  };
  const panel = make(
    "div",
    { class: "map-panel map-cut", role: "status", hidden: true },
    make("span", {}, t("More patches are like that than this map counts at once: some are left out. Zoom in to see them all.")),
    make("button", { type: "button", class: "button button--small", onclick: countAll }, t("Count all of them")),
  );
  control("bottomleft", panel).addTo(map);
  patches.on("load tileunload", () => {
    panel.hidden = !patches.has(({ isCut }) => isCut);
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
  const scene = make("select", { "aria-label": t("Scene that the map shows") }, ...options);
  const composite = make("select", { "aria-label": t("Band combination") });
  const shown = () => scenes.find(({ id }) => String(id) === scene.value) ?? first;
  // Of another scene it stays, where that has it.
  const offer = () => {
    const before = composite.value;
    composite.replaceChildren(...compositesOf(shown()).map((one) => make("option", { value: one, selected: one === before }, compositeName(shown(), one))));
    composite.hidden = composite.options.length < 2;
    show(inComposite(shown(), composite.value));
  };
  scene.addEventListener("change", offer);
  composite.addEventListener("change", () => show(inComposite(shown(), composite.value)));
  offer();
  return make("div", { class: "map-panel row" }, scenes.length > 1 ? scene : sceneTitle(first), composite);
}

/**
 * @param {L.GridLayer} patches
 * @param {L.GridLayer} parcels
 * @param {L.Map} map
 */
function mapLegend(patches, parcels, map) {
  const rows = /** @type {PatchState[]} */ (Object.keys(PATCH_STATES)).map((state) => {
    const sample = make("span", { class: "swatch", "--swatch": `url(${hatching(state).toDataURL()})`, "aria-hidden": "true" });
    sample.style.borderColor = PATCH_STATES[state].color;
    return make("li", {}, sample, PATCH_STATES[state].label);
  });
  const list = make("ul", { class: "legend" }, ...rows);
  return make("div", { class: "map-panel map-legend" }, layerSwitch(parcels, t("Parcels"), map), layerSwitch(patches, t("Patches"), map), list);
}

/**
 * @param {L.GridLayer} layer
 * @param {string} name
 * @param {L.Map} map
 */
function layerSwitch(layer, name, map) {
  const toggle = (/** @type {Event} */ event) => {
    const { checked } = /** @type {HTMLInputElement} */ (event.target);
    if (checked) layer.addTo(map);
    else layer.remove();
  };
  const box = make("input", { type: "checkbox", checked: map.hasLayer(layer), onchange: toggle });
  return make("div", {}, make("label", {}, box, " ", name));
}

/**
 * @param {ParcelFeature} feature
 * @param {Project} project
 */
function aboutParcel({ id, value, hectares, origin, count, share }, project) {
  if (id === null) return make("div", {}, tn("{count} parcel on {share} of the land", "{count} parcels on {share} of the land", count, { share: percent(share) }));
  const name = project.legend.find((one) => one.value === value)?.name ?? "";
  const area = t("{hectares} ha", { hectares: number(hectares, hectares < 0.1 ? 3 : 2) });
  return make("div", { class: "row" }, make("strong", {}, name), make("span", {}, area), make("small", {}, ORIGINS[origin] ?? ""));
}

/**
 * @param {PatchFeature} feature
 * @param {Project} project
 */
function aboutPatch({ id, state, counts, isMine }, project) {
  if (id === null) {
    const rows = counts.map((one) => make("span", { class: `badge badge--${one.state}` }, `${number(one.count)} ${stateName(one.state)}`));
    return make("div", {}, make("div", { class: "row" }, ...rows), t("Zoom in for single patches."));
  }
  const root = `/projects/${project.slug}`;
  const isOpen = state === "unlabelled" || state === "returned" || (state === "claimed" && isMine);
  const mayAnnotate = isOpen && (project.roles.includes("annotator") || project.roles.includes("lead"));
  const mayReview = project.roles.includes("lead") && (state === "submitted" || state === "approved" || state === "returned");
  return make(
    "div",
    {},
    make("div", { class: "row" }, make("strong", {}, t("Patch {id}", { id })), make("span", { class: `badge badge--${state}` }, isMine ? t("{state} by you", { state: stateName(state) }) : stateName(state))),
    mayAnnotate && make("a", { class: "button button--small", href: `${root}/annotate/?patch=${id}` }, state === "claimed" ? t("Go on annotating") : t("Annotate it")),
    mayReview && make("a", { class: "button button--small", href: `${root}/review/${id}/` }, state === "submitted" ? t("Review it") : t("Look at it")),
  );
}
