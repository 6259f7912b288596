/**
 * Painting what looks alike in the imagery: the smart brush, and the fill of look-alike pixels.
 *
 * @import {Point} from "../state/mask.js"
 * @import {Mode, ModeParts} from "./modes.js"
 */
import { fillLookAlikes, lookAlikes, stampSuperpixels } from "../actions/look_alike.js";
import { NULL_CLASS } from "../state/mask.js";
import { NOTHING_DRAWN } from "./modes.js";
import { strokeMode } from "./stroke.js";

/** A quick pointer leaves no superpixel out: they are about twice as wide. */
const STEP_PX = 4;

/**
 * @param {ModeParts} parts
 * @returns {Mode}
 */
export function smartBrushMode(parts) {
  const { document, tools, analysis } = parts;
  let value = NULL_CLASS;
  /** @type {Point | null} */
  let last = null;
  return strokeMode(parts, {
    begin({ isSecondary }) {
      value = isSecondary ? NULL_CLASS : tools.state.value;
      last = null;
    },
    paint({ passed }) {
      const superpixels = analysis()?.superpixels;
      if (!superpixels) return;
      const { sizePx, tolerance } = tools.state;
      for (const point of passed) {
        for (const at of steps(last ?? point, point, STEP_PX)) {
          const chosen = lookAlikes(superpixels, at, sizePx, tolerance);
          document.paint((mask) => stampSuperpixels(mask, superpixels, chosen, value));
        }
        last = point;
      }
    },
    forget() {
      last = null;
    },
  });
}

/**
 * @param {ModeParts} parts
 * @returns {Mode}
 */
export function lookAlikeFillMode({ document, tools, analysis, tell }) {
  return {
    cursor: "cell",
    enter() {},
    exit() {},
    down({ point, isSecondary }) {
      const mask = document.current();
      const imagery = analysis();
      if (!mask || !imagery || !document.isDrawable()) return;
      const { value, tolerance } = tools.state;
      const filled = fillLookAlikes(mask, imagery, point, tolerance, isSecondary ? NULL_CLASS : value);
      if (!document.draw(filled)) tell(NOTHING_DRAWN);
    },
  };
}

/**
 * @param {Point} from
 * @param {Point} to
 * @param {number} stepPx
 * @returns {Point[]} on the way, `to` last
 */
function steps(from, to, stepPx) {
  const count = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / stepPx));
  return Array.from({ length: count }, (_, n) => {
    const share = (n + 1) / count;
    return { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) };
  });
}
