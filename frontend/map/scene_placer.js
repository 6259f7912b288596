/**
 * Moving a scene on the map until it lies on the ground, or on another date: by dragging, by arrow keys, or by numbers.
 *
 * @import {Project, Scene} from "../api/types.js"
 */
import { imageryLayer, readyScenes } from "./imagery.js";

const EQUATOR_M = 40_075_016.686;
const PANE = "moved-scene";
/** @type {Readonly<Record<string, readonly [number, number]>>} */
const STEPS_PX = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Metres on the ground along the side of a map pixel.
 *
 * @param {number} zoom
 * @param {number} latitude in degrees
 */
export function metresPerPixel(zoom, latitude) {
  return (EQUATOR_M * Math.cos((latitude * Math.PI) / 180)) / 256 / 2 ** zoom;
}

/**
 * While the form's box is ticked, the scene lies half clear over the scene of another date, and is moved.
 *
 * @param {HTMLFormElement} form with the fields `east_m`, `north_m` and `on_map`
 * @param {L.Map} map
 * @param {Project} project
 * @param {number} sceneId
 */
export function bindPlaceForm(form, map, project, sceneId) {
  const scene = project.scenes.find(({ id }) => id === sceneId);
  const [east, north, toggle] = ["east_m", "north_m", "on_map"].map((name) => form.elements.namedItem(name));
  if (!scene?.bounds || !isInput(east) || !isInput(north) || !isInput(toggle)) return;
  const latitude = (scene.bounds[1] + scene.bounds[3]) / 2;
  const [startEast, startNorth] = [Number(east.value), Number(north.value)];
  const pane = map.createPane(PANE);
  pane.style.zIndex = "250";
  pane.style.opacity = "0.6";
  const other = readyScenes(project.scenes).find(({ id }) => id !== sceneId);
  const patchZoom = project.patch_zoom ?? 18;
  const layers = [
    ...(other ? [imageryLayer(other, patchZoom)] : []),
    imageryLayer(scene, patchZoom, PANE),
  ];

  const show = () => {
    const metres = metresPerPixel(map.getZoom(), latitude);
    const right = (Number(east.value) - startEast) / metres;
    const down = -(Number(north.value) - startNorth) / metres;
    pane.style.transform = `translate(${right}px, ${down}px)`;
  };
  const moveBy = (/** @type {number} */ right, /** @type {number} */ down) => {
    const metres = metresPerPixel(map.getZoom(), latitude);
    east.value = (Number(east.value) + right * metres).toFixed(2);
    north.value = (Number(north.value) - down * metres).toFixed(2);
    show();
  };

  toggle.addEventListener("change", () => {
    for (const layer of layers) {
      if (toggle.checked) layer.addTo(map);
      else layer.remove();
    }
    if (toggle.checked) map.dragging.disable();
    else map.dragging.enable();
    show();
    if (!toggle.checked) return;
    // The form lies below the map, which is what one looks at and presses keys on now.
    map.getContainer().scrollIntoView({ block: "center" });
    map.getContainer().focus({ preventScroll: true });
  });
  for (const input of [east, north]) input.addEventListener("input", show);
  map.on("zoomend", show);
  bindDragging(map.getContainer(), () => toggle.checked, moveBy);
}

/**
 * @param {HTMLElement} container
 * @param {() => boolean} isOn
 * @param {(right: number, down: number) => void} moveBy in pixels
 */
function bindDragging(container, isOn, moveBy) {
  /** @type {{x: number, y: number} | null} */
  let last = null;
  container.addEventListener("pointerdown", ({ clientX, clientY, target }) => {
    const isControl = target instanceof Element && target.closest(".leaflet-control");
    last = isOn() && !isControl ? { x: clientX, y: clientY } : null;
  });
  addEventListener("pointermove", ({ clientX, clientY }) => {
    if (last === null) return;
    moveBy(clientX - last.x, clientY - last.y);
    last = { x: clientX, y: clientY };
  });
  addEventListener("pointerup", () => {
    last = null;
  });
  // What is dragged is not clicked.
  container.addEventListener("click", (event) => isOn() && event.stopPropagation(), { capture: true });
  container.addEventListener(
    "keydown",
    (event) => {
      const step = STEPS_PX[event.key];
      if (!step || !isOn()) return;
      event.preventDefault();
      event.stopPropagation();
      moveBy(...step);
    },
    { capture: true },
  );
}

/**
 * @param {unknown} field
 * @returns {field is HTMLInputElement}
 */
function isInput(field) {
  return field instanceof HTMLInputElement;
}
