/**
 * A small picture of a mask over the imagery.
 *
 * @import {Pixels} from "../map/paint.js"
 */
import { SIZE_PX } from "../state/mask.js";
import { make } from "./elements.js";

/**
 * @param {string} caption
 * @param {(pixels: Pixels) => void} paint
 * @param {string | null} imageUrl
 * @param {string} name
 */
export function picture(caption, paint, imageUrl, name) {
  const canvas = make("canvas", { width: String(SIZE_PX), height: String(SIZE_PX), "data-mask": name });
  const context = canvas.getContext("2d");
  if (context) {
    const image = context.createImageData(SIZE_PX, SIZE_PX);
    paint(new Uint32Array(image.data.buffer));
    context.putImageData(image, 0, 0);
  }
  const frame = make("div", { class: "conflict-frame" }, imageUrl && make("img", { src: imageUrl, alt: "" }), canvas);
  return make("figure", {}, frame, make("figcaption", {}, caption));
}
