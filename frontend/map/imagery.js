/**
 * A scene's tiles as a map layer.
 *
 * @import {Scene} from "../api/types.js"
 */

import { t } from "../i18n.js";
import { SIZE_PX } from "../state/mask.js";

const EQUATOR_M = 40_075_016.686;

/**
 * The zoom whose pixels come closest to the scene's, as the server reckons it for the patches; beyond it the browser
 * enlarges. One level more would take twice the bytes and show nothing new.
 *
 * @param {Scene} scene
 * @param {number} patchZoom
 * @returns {number}
 */
export function nativeZoom(scene, patchZoom) {
  if (!scene.gsd_m || !scene.bounds) return patchZoom;
  const latitude = (scene.bounds[1] + scene.bounds[3]) / 2;
  const zoom = Math.round(Math.log2((EQUATOR_M * Math.cos((latitude * Math.PI) / 180)) / 256 / scene.gsd_m));
  return Math.max(patchZoom - 2, Math.min(patchZoom + 3, zoom));
}

/**
 * @param {Scene} scene
 * @param {number} patchZoom
 * @param {string} [pane]
 * @returns {L.TileLayer}
 */
export function imageryLayer(scene, patchZoom, pane = "tilePane") {
  /** @type {L.TileLayerOptions} */
  const options = { maxNativeZoom: nativeZoom(scene, patchZoom), maxZoom: patchZoom + 6, className: "imagery", keepBuffer: 1, pane };
  if (scene.bounds) options.bounds = boundsOf(scene.bounds);
  return L.tileLayer(scene.tile_url, options);
}

/**
 * @param {[number, number, number, number]} bounds west, south, east, north
 * @returns {L.LatLngBounds}
 */
export function boundsOf([west, south, east, north]) {
  return L.latLngBounds([south, west], [north, east]);
}

/**
 * The address of one tile.
 *
 * @param {Scene} scene
 * @param {{z: number, x: number, y: number}} tile
 */
export function tileUrl(scene, { z, x, y }) {
  return scene.tile_url.replace("{z}", String(z)).replace("{x}", String(x)).replace("{y}", String(y));
}

/**
 * The ground under a tile.
 *
 * @param {{z: number, x: number, y: number}} tile
 * @returns {L.LatLngBounds}
 */
export function tileBounds({ z, x, y }) {
  const corner = (/** @type {number} */ column, /** @type {number} */ row) =>
    L.CRS.EPSG3857.pointToLatLng(L.point(column * SIZE_PX, row * SIZE_PX), z);
  return L.latLngBounds(corner(x, y), corner(x + 1, y + 1));
}

/**
 * The band combinations that a scene can be seen in.
 *
 * @param {Scene | null} scene
 * @returns {readonly string[]} "natural" first
 */
export function compositesOf(scene) {
  return scene?.composites?.length ? scene.composites : ["natural"];
}

/**
 * @param {Scene | null} scene
 * @param {string} composite one of the scene's
 * @returns {string}
 */
export function compositeName(scene, composite) {
  const own = ownComposite(scene, composite);
  if (own) return own.name;
  if (composite === "infrared") return t("False colour (near infrared)");
  return composite === "ndvi" ? t("NDVI") : t("True colour");
}

/**
 * The scene in a band combination, where it has it.
 *
 * @param {Scene} scene
 * @param {string} composite
 * @returns {Scene}
 */
export function inComposite(scene, composite) {
  if (composite === "natural" || !compositesOf(scene).includes(composite)) return scene;
  return { ...scene, tile_url: scene.tile_url + (ownComposite(scene, composite)?.query ?? `&composite=${composite}`) };
}

/**
 * @param {Scene | null} scene
 * @param {string} composite
 */
function ownComposite(scene, composite) {
  return scene?.own_composites?.find((own) => own.composite === composite);
}

/**
 * Ready scenes, the newest first; a scene without a date comes last.
 *
 * @param {Scene[]} scenes
 * @returns {Scene[]}
 */
export function readyScenes(scenes) {
  return scenes
    .filter((scene) => scene.state === "ready")
    .sort((a, b) => (b.acquired_on ?? "").localeCompare(a.acquired_on ?? "") || b.id - a.id);
}

/** @param {Scene} scene */
export function sceneTitle(scene) {
  return scene.acquired_on ? `${scene.acquired_on} · ${scene.name}` : scene.name;
}
