/**
 * Coarse tiles over a map: how much of each is labelled.
 */
import { boundsOf } from "./imagery.js";

/**
 * @typedef {object} CoarseTile
 * @property {string} quadkey
 * @property {string} name
 * @property {[number, number, number, number]} bounds west, south, east, north in degrees
 * @property {number} patches
 * @property {number} labelled
 * @property {number} approved
 */

const COLOR = "#2f7350";

export class CoarseTiles extends L.FeatureGroup {
  /** @type {Map<string, L.Rectangle>} */
  byQuadkey = new Map();
}

/**
 * @param {L.Rectangle} square
 * @param {boolean} isChosen
 */
export function markChosen(square, isChosen) {
  square.setStyle(isChosen ? { color: "#d55e00", weight: 4 } : { color: COLOR, weight: 1 });
  if (isChosen) square.bringToFront();
}

/**
 * @param {L.Map} map
 * @param {CoarseTile[]} tiles
 * @param {(tile: CoarseTile, square: L.Rectangle) => void} choose called when one is clicked
 * @returns {CoarseTiles}
 */
export function showCoarseTiles(map, tiles, choose) {
  const group = new CoarseTiles();
  for (const tile of tiles) {
    const share = tile.labelled / tile.patches;
    const square = L.rectangle(boundsOf(tile.bounds), {
      color: COLOR,
      weight: 1,
      fillColor: COLOR,
      fillOpacity: 0.08 + 0.5 * share,
      bubblingMouseEvents: false,
    });
    square.bindTooltip(`${tile.name}: ${tile.labelled} of ${tile.patches} labelled, ${tile.approved} approved`, { sticky: true });
    square.on("click", () => choose(tile, square));
    group.addLayer(square);
    group.byQuadkey.set(tile.quadkey, square);
  }
  group.addTo(map);
  if (tiles.length) {
    // Patches of another place than the newest scene's are looked at from further out than its imagery is.
    map.setMinZoom(Math.min(map.getMinZoom(), map.getBoundsZoom(group.getBounds())));
    map.fitBounds(group.getBounds(), { animate: false });
  }
  return group;
}
