/**
 * Pointer events on the map become gestures in patch pixels. The middle button and the space bar pan in every mode,
 * Alt with the wheel changes the brush, Alt with a click picks the class under the pointer.
 *
 * Two fingers belong to the map and never paint: a finger that comes down waits a moment for a second one before it
 * draws. While a pen is down, fingers are the hand that rests beside it. The pen's eraser end erases.
 *
 * @import {Gesture, Modes} from "../modes/modes.js"
 * @import {Point} from "../state/mask.js"
 * @import {PatchView} from "./patch_view.js"
 */

/** How long a finger lies, or how far it goes in screen pixels, until it is alone. */
const ALONE_MS = 120;
const ALONE_PX = 8;
/** The button of a pen's eraser end. */
const ERASER = 5;

/**
 * @typedef {object} PointerParts
 * @property {PatchView} view
 * @property {Modes} modes
 * @property {() => boolean} isSpaceHeld
 * @property {() => boolean} isDrawable
 * @property {(direction: 1 | -1) => void} resize
 * @property {(point: Point) => void} pick
 * @property {(point: Point | null) => void} pointed where the pointer is now, drawing or not
 */

/** @param {PointerParts} parts */
export function listenToPointer({ view, modes, isSpaceHeld, isDrawable, resize, pick, pointed }) {
  const { container, map } = view;
  /** @type {{pointerId: number, isPan: boolean, x: number, y: number} | null} */
  let held = null;
  /** @type {Set<number>} */
  const touching = new Set();
  /** @type {{pointerId: number, x: number, y: number, begin: () => void, timer: ReturnType<typeof setTimeout>} | null} */
  let waiting = null;
  /** @type {number | null} */
  let pen = null;
  let lastX = NaN;
  let lastY = NaN;

  /** @param {PointerEvent} event */
  const isOnControl = (event) => event.target instanceof Element && event.target.closest(".leaflet-control, .editor-float") !== null;

  /**
   * @param {PointerEvent} event
   * @returns {Gesture | null}
   */
  const gestureOf = (event) => {
    const events = event.getCoalescedEvents?.() ?? [];
    const passed = (events.length ? events : [event]).flatMap((one) => view.toPatch(one.clientX, one.clientY) ?? []);
    const point = passed.at(-1);
    return point ? { point, passed, isShift: event.shiftKey, isSecondary: event.button === 2 || event.button === ERASER } : null;
  };

  const stopWaiting = () => {
    clearTimeout(waiting?.timer);
    const begin = waiting?.begin;
    waiting = null;
    return begin;
  };
  /** What a finger began and a second finger, or a pen, takes over. A click that was made stays. */
  const takeBack = () => {
    stopWaiting();
    const mode = modes.current();
    if (held && mode?.isStroke) mode.cancel?.();
    held = null;
  };

  /** @param {PointerEvent} event */
  const down = (event) => {
    if (isOnControl(event)) return;
    if (event.pointerType === "pen") {
      pen = event.pointerId;
      takeBack();
      // The map would take a pen beside a resting hand for two fingers.
      if (touching.size) event.stopImmediatePropagation();
    }
    if (event.pointerType === "touch") {
      if (pen !== null) {
        event.stopImmediatePropagation();
        return;
      }
      touching.add(event.pointerId);
      if (touching.size > 1) {
        takeBack();
        return;
      }
    }
    if (event.button === 1 || isSpaceHeld()) {
      event.preventDefault();
      hold(event, true);
      return;
    }
    const mode = modes.current();
    const gesture = gestureOf(event);
    if (gesture) pointed(gesture.point);
    if (!mode?.down || !gesture || !isDrawable() || ![0, 2, ERASER].includes(event.button)) return;
    if (event.altKey) {
      pick(gesture.point);
      return;
    }
    const begin = () => {
      hold(event, false);
      mode.down?.(gesture);
    };
    if (event.pointerType !== "touch") {
      begin();
      return;
    }
    const timer = setTimeout(() => stopWaiting()?.(), ALONE_MS);
    waiting = { pointerId: event.pointerId, x: event.clientX, y: event.clientY, begin, timer };
  };
  // Before the map's own listeners on the same element.
  container.addEventListener("pointerdown", down, { capture: true });

  container.addEventListener("pointermove", (event) => {
    if (held && event.pointerId === held.pointerId && held.isPan) {
      map.panBy([held.x - event.clientX, held.y - event.clientY], { animate: false });
      held.x = event.clientX;
      held.y = event.clientY;
      return;
    }
    if (waiting?.pointerId === event.pointerId && Math.hypot(waiting.x - event.clientX, waiting.y - event.clientY) > ALONE_PX) stopWaiting()?.();
    const gesture = gestureOf(event);
    if (!gesture) return;
    // Browsers also say that the pointer moved when the page moved under it.
    if (event.clientX !== lastX || event.clientY !== lastY) pointed(gesture.point);
    [lastX, lastY] = [event.clientX, event.clientY];
    if (held && event.pointerId === held.pointerId) modes.current()?.drag?.(gesture);
    modes.current()?.hover?.(isOnControl(event) ? null : gesture.point);
  });

  container.addEventListener("pointerleave", () => {
    pointed(null);
    modes.current()?.hover?.(null);
  });

  /** @param {PointerEvent} event */
  const end = (event) => {
    touching.delete(event.pointerId);
    if (pen === event.pointerId) pen = null;
    if (waiting?.pointerId === event.pointerId) {
      const begin = stopWaiting();
      if (event.type === "pointerup") begin?.();
    }
    if (held?.pointerId !== event.pointerId) return;
    const { isPan } = held;
    held = null;
    container.classList.remove("is-panning");
    if (isPan) return;
    // A second finger takes a stroke back; a pen or a mouse that the system takes away keeps what it drew.
    if (event.type === "pointercancel" && event.pointerType === "touch") modes.current()?.cancel?.();
    else modes.current()?.up?.();
  };
  container.addEventListener("pointerup", end);
  container.addEventListener("pointercancel", end);

  // The browser would select text, and drag the selection away in the middle of the next stroke.
  container.addEventListener("mousedown", (event) => {
    if (event.target instanceof Element && event.target.closest(".leaflet-control, .editor-float")) return;
    event.preventDefault();
    container.focus({ preventScroll: true });
  });
  container.addEventListener("dragstart", (event) => event.preventDefault());

  container.addEventListener("dblclick", (event) => {
    const point = view.toPatch(event.clientX, event.clientY);
    if (event.button === 0 && point) modes.current()?.finish?.(point);
  });
  container.addEventListener("contextmenu", (event) => event.preventDefault());
  container.addEventListener("auxclick", (event) => event.preventDefault());
  container.addEventListener(
    "wheel",
    (event) => {
      if (!event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      resize(event.deltaY < 0 ? 1 : -1);
    },
    { capture: true, passive: false },
  );

  /**
   * @param {PointerEvent} event
   * @param {boolean} isPan
   */
  function hold(event, isPan) {
    held = { pointerId: event.pointerId, isPan, x: event.clientX, y: event.clientY };
    container.setPointerCapture(event.pointerId);
    container.classList.toggle("is-panning", isPan);
  }
}
