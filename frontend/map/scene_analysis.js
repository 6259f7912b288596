/**
 * Reads the imagery of the open patch into pixels and has it analysed beside the page.
 *
 * @import {Patch, Scene} from "../api/types.js"
 * @import {Analysis} from "../vision/analysis.js"
 * @import {Answer} from "../vision/worker.js"
 */
import { t } from "../i18n.js";
import { fetchTile } from "../api/milpa.js";
import { painted } from "../pace.js";
import { PIXEL_COUNT, SIZE_PX } from "../state/mask.js";
import { tileUrl } from "./imagery.js";

export class SceneAnalysis {
  /** @type {Analysis | null} */
  #analysis = null;
  /** @type {string} why there is none */
  #why = t("There is no patch on the table.");
  /** The reading that counts: an older one that comes late is dropped. */
  #reading = 0;
  /** @type {Worker | null} */
  #worker = null;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
  }

  current() {
    return this.#analysis;
  }

  /** @returns {string | null} why the imagery cannot be used now */
  why() {
    return this.#analysis ? null : this.#why;
  }

  /**
   * @param {Scene | null} scene
   * @param {Patch | null} patch
   */
  async read(scene, patch) {
    const reading = ++this.#reading;
    this.#set(null, scene && patch ? t("The imagery is still being read.") : t("There is no imagery of this patch."));
    if (!scene || !patch) return;
    await painted();
    if (reading !== this.#reading) return;
    try {
      // The tile that lies under the mask, pixel for pixel; the map has mostly fetched it by now.
      const rgba = await pixelsOf(await fetchTile(tileUrl(scene, patch)));
      if (reading !== this.#reading) return;
      if (isBlank(rgba)) this.#set(null, t("This scene shows nothing here: choose another date."));
      else this.#ask(reading, rgba);
    } catch {
      if (reading === this.#reading) this.#set(null, t("The imagery of this patch could not be read."));
    }
  }

  /**
   * @param {number} id
   * @param {Uint8ClampedArray<ArrayBuffer>} rgba
   */
  #ask(id, rgba) {
    this.#worker ??= this.#startWorker();
    this.#worker.postMessage({ id, rgba }, [rgba.buffer]);
  }

  #startWorker() {
    const worker = new Worker(new URL("../vision/worker.js", import.meta.url), { type: "module" });
    worker.addEventListener("message", (/** @type {MessageEvent<Answer>} */ { data: { id, analysis } }) => {
      if (id === this.#reading) this.#set(analysis, "");
    });
    worker.addEventListener("error", () => this.#set(null, t("This browser cannot analyse the imagery.")));
    return worker;
  }

  /**
   * @param {Analysis | null} analysis
   * @param {string} why
   */
  #set(analysis, why) {
    this.#analysis = analysis;
    this.#why = why;
    this.onChange();
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes an image file
 * @returns {Promise<Uint8ClampedArray<ArrayBuffer>>} four bytes a pixel of 256 × 256
 */
async function pixelsOf(bytes) {
  const image = await createImageBitmap(new Blob([bytes]));
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE_PX;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error(t("This browser cannot draw on a canvas."));
  context.drawImage(image, 0, 0, SIZE_PX, SIZE_PX);
  return context.getImageData(0, 0, SIZE_PX, SIZE_PX).data;
}

/** @param {Uint8ClampedArray} rgba */
function isBlank(rgba) {
  for (let i = 0; i < PIXEL_COUNT; i++) if (rgba[4 * i + 3]) return false;
  return true;
}
