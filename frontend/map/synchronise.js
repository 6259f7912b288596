/**
 * Views that move together, and a cross in each where the pointer is in one of them.
 *
 * @import {PatchView} from "./patch_view.js"
 */

/** @param {PatchView[]} views */
export function synchronise(views) {
  let isMoving = false;
  for (const view of views) {
    const others = views.filter((other) => other !== view);
    view.map.on("move", () => {
      if (isMoving) return;
      isMoving = true;
      for (const { map } of others) map.setView(view.map.getCenter(), view.map.getZoom(), { animate: false });
      isMoving = false;
    });
    view.container.addEventListener("pointermove", (event) => {
      const point = view.toPatch(event.clientX, event.clientY);
      for (const other of others) showCross(other, point);
    });
    view.container.addEventListener("pointerleave", () => {
      for (const other of others) showCross(other, null);
    });
  }
}

/**
 * @param {PatchView} view
 * @param {{x: number, y: number} | null} point
 */
export function showCross(view, point) {
  let cross = /** @type {HTMLElement | null} */ (view.container.querySelector(".review-cross"));
  if (!cross) {
    cross = document.createElement("div");
    cross.className = "review-cross";
    view.container.append(cross);
  }
  cross.hidden = !point;
  if (!point) return;
  const { x, y } = view.toScreen(point);
  cross.style.left = `${x}px`;
  cross.style.top = `${y}px`;
}
