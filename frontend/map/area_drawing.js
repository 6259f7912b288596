/**
 * Drawing one polygon on a map, corner by corner.
 */

const STYLE = { color: "#d55e00", weight: 3, fillOpacity: 0.15 };
const CLOSE_PX = 12;

/**
 * @param {L.Map} map
 * @param {(area: GeoJSON.Polygon | null) => void} finish called once: the area, in degrees, or null where it was given up
 */
export function drawArea(map, finish) {
  /** @type {L.LatLng[]} */
  const corners = [];
  const shape = L.polygon([], { ...STYLE, interactive: false }).addTo(map);
  const container = map.getContainer();
  map.doubleClickZoom.disable();
  container.classList.add("is-drawing");

  const stop = (/** @type {boolean} */ isWhole) => {
    map.off("click", add);
    document.removeEventListener("keydown", press);
    map.doubleClickZoom.enable();
    container.classList.remove("is-drawing");
    if (!isWhole || corners.length < 3) shape.remove();
    finish(isWhole && corners.length >= 3 ? polygonOf(corners) : null);
  };
  const add = (/** @type {L.LeafletMouseEvent} */ { latlng, containerPoint }) => {
    const first = corners[0];
    const isClosing = first && corners.length > 2 && map.latLngToContainerPoint(first).distanceTo(containerPoint) < CLOSE_PX;
    if (isClosing) return stop(true);
    corners.push(latlng);
    shape.setLatLngs(corners);
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") stop(false);
    if (event.key === "Enter") {
      event.preventDefault();
      stop(true);
    }
  };
  map.on("click", add);
  document.addEventListener("keydown", press);
}

/**
 * @param {L.LatLng[]} corners
 * @returns {GeoJSON.Polygon}
 */
export function polygonOf(corners) {
  const ring = corners.map(({ lng, lat }) => [Number(lng.toFixed(6)), Number(lat.toFixed(6))]);
  return { type: "Polygon", coordinates: [[...ring, /** @type {number[]} */ (ring[0])]] };
}
