/**
 * Polygons from elsewhere: GeoJSON text in longitude and latitude becomes rings in patch pixels.
 *
 * @import {Mask, Point} from "../state/mask.js"
 */
import { t } from "../i18n.js";
import { SIZE_PX, countChanged } from "../state/mask.js";
import { fillRings } from "./polygon.js";

/** @typedef {[longitude: number, latitude: number]} Position */

/** What is wrong with a text, said so that the annotator can mend it. */
export class GeojsonError extends Error {}

/**
 * @param {string} text
 * @returns {Position[][][]} polygons, each an outer ring followed by its holes
 * @throws {GeojsonError}
 */
export function polygonsIn(text) {
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    throw new GeojsonError(t("This is no GeoJSON: the text is not valid JSON."));
  }
  if (json === null || typeof json !== "object" || typeof json.type !== "string") {
    throw new GeojsonError(t("This is no GeoJSON: it has no “type”."));
  }
  const crs = json.crs?.properties?.name;
  if (typeof crs === "string" && !/(CRS84|EPSG:{1,2}4326)$/.test(crs)) {
    throw new GeojsonError(t("The coordinates are in {crs}. Export them in EPSG:4326 (longitude, latitude).", { crs }));
  }
  const polygons = geometriesOf(json).flatMap((geometry) => {
    if (geometry.type === "Polygon") return [geometry.coordinates];
    return geometry.type === "MultiPolygon" ? geometry.coordinates : [];
  });
  if (!polygons.length) throw new GeojsonError(t("The GeoJSON holds no polygon. Lines and points cannot be burnt into a mask."));
  for (const polygon of polygons) check(polygon);
  return polygons;
}

/**
 * @param {any} json
 * @returns {any[]}
 */
function geometriesOf(json) {
  if (json?.type === "FeatureCollection") return Array.isArray(json.features) ? json.features.flatMap(geometriesOf) : [];
  if (json?.type === "Feature") return json.geometry ? geometriesOf(json.geometry) : [];
  if (json?.type === "GeometryCollection") return Array.isArray(json.geometries) ? json.geometries.flatMap(geometriesOf) : [];
  return json ? [json] : [];
}

/** @param {unknown} polygon */
function check(polygon) {
  if (!Array.isArray(polygon) || !polygon.length || !polygon.every((ring) => Array.isArray(ring) && ring.length >= 4)) {
    throw new GeojsonError(t("A polygon of the GeoJSON is broken: each of its rings needs four positions or more."));
  }
  for (const position of polygon.flat()) {
    const [longitude, latitude] = Array.isArray(position) ? position : [];
    if (!Number.isFinite(longitude) || !Number.isFinite(latitude)) {
      throw new GeojsonError(t("A polygon of the GeoJSON is broken: each position needs a longitude and a latitude."));
    }
    if (Math.abs(longitude) > 180 || Math.abs(latitude) > 90) {
      throw new GeojsonError(
        t("The position {longitude}, {latitude} is no longitude and latitude. Export the polygon in EPSG:4326.", { longitude, latitude }),
      );
    }
  }
}

/**
 * @param {Position} position
 * @param {{z: number, x: number, y: number}} patch
 * @returns {Point} in patch pixels
 */
export function toPatchPixels([longitude, latitude], { z, x, y }) {
  const tiles = 2 ** z;
  const column = ((longitude + 180) / 360) * tiles;
  const row = ((1 - Math.asinh(Math.tan((latitude * Math.PI) / 180)) / Math.PI) / 2) * tiles;
  return { x: (column - x) * SIZE_PX, y: (row - y) * SIZE_PX };
}

/**
 * Burns every polygon of the text into the mask.
 *
 * @param {Mask} mask
 * @param {string} text
 * @param {{z: number, x: number, y: number}} patch
 * @param {number} value
 * @returns {Mask} a new mask
 * @throws {GeojsonError} also when no polygon covers a pixel of the patch
 */
export function burnGeojson(mask, text, patch, value) {
  // A class that no mask holds yet shows which pixels are covered, whatever class they have.
  const covered = new Uint8Array(mask.length);
  let burnt = mask;
  let cover = covered;
  for (const polygon of polygonsIn(text)) {
    const rings = polygon.map((ring) => ring.map((position) => toPatchPixels(position, patch)));
    burnt = fillRings(burnt, rings, value);
    cover = fillRings(cover, rings, 1);
  }
  if (countChanged(covered, cover) === 0) {
    throw new GeojsonError(t("The polygon lies outside of this patch. If it should not, look whether longitude and latitude are swapped."));
  }
  return burnt;
}
