/**
 * Drawing one polygon on a map, corner by corner.
 */

const STYLE = { color: "#d55e00", weight: 3, fillOpacity: 0.15, interactive: false };
const CORNER = { ...STYLE, radius: 5, fillColor: "#ffffff", fillOpacity: 1 };
const CLOSE_PX = 12;

/** @param {L.Map} map */
export const isDrawnOn = (map) => map.getContainer().classList.contains("is-drawing");

/**
 * @param {L.Map} map
 * @param {(area: GeoJSON.Polygon | null) => void} finish called once: the area, in degrees, or null where it was given up
 * @returns {() => void} gives it up
 */
export function drawArea(map, finish) {
  /** @type {L.LatLng[]} */
  const corners = [];
  const shown = L.layerGroup().addTo(map);
  const container = map.getContainer();
  map.doubleClickZoom.disable();
  map.closePopup();
  container.classList.add("is-drawing");

  const stop = (/** @type {boolean} */ isWhole) => {
    map.off({ click: add, mousemove: show });
    document.removeEventListener("keydown", press);
    map.doubleClickZoom.enable();
    container.classList.remove("is-drawing");
    shown.remove();
    finish(isWhole && corners.length >= 3 ? polygonOf(corners) : null);
  };
  // With the corner that the pointer would add.
  const show = (/** @type {{latlng?: L.LatLng}} */ { latlng }) => {
    shown.clearLayers();
    shown.addLayer(L.polygon(latlng ? [...corners, latlng] : corners, STYLE));
    for (const corner of corners) shown.addLayer(L.circleMarker(corner, CORNER));
  };
  const add = (/** @type {L.LeafletMouseEvent} */ { latlng, containerPoint }) => {
    const isAt = (/** @type {L.LatLng | undefined} */ corner) =>
      corner && map.latLngToContainerPoint(corner).distanceTo(containerPoint) < CLOSE_PX;
    // The second click of a double click is at the last corner.
    if (corners.length > 2 && (isAt(corners[0]) || isAt(corners.at(-1)))) return stop(true);
    if (isAt(corners.at(-1))) return;
    corners.push(latlng);
    show({ latlng });
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") stop(false);
    if (event.key === "Enter") {
      event.preventDefault();
      stop(true);
    }
    if (event.key === "Backspace") {
      event.preventDefault();
      corners.pop();
      show({});
    }
  };
  map.on({ click: add, mousemove: show });
  document.addEventListener("keydown", press);
  return () => stop(false);
}

/**
 * @param {L.LatLng[]} corners
 * @returns {GeoJSON.Polygon}
 */
export function polygonOf(corners) {
  const ring = corners.map(({ lng, lat }) => [Number(lng.toFixed(6)), Number(lat.toFixed(6))]);
  return { type: "Polygon", coordinates: [[...ring, /** @type {number[]} */ (ring[0])]] };
}

/**
 * What a person gave as GeoJSON, on the map; nothing while it is none.
 *
 * @param {L.Map} map
 * @param {string} text
 * @returns {L.Layer | null}
 */
export function showWritten(map, text) {
  try {
    return L.geoJSON(JSON.parse(text), { style: STYLE, interactive: false }).addTo(map);
  } catch {
    return null;
  }
}
