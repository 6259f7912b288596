/**
 * A polygon from elsewhere: typed into a dialog, pasted on the page or dropped on the map as text or as a file.
 *
 * @import {EditorDocument} from "../state/document.js"
 * @import {Store} from "../state/store.js"
 * @import {Tools} from "../state/tools.js"
 */
import { t, tn } from "../i18n.js";
import { GeojsonError, burnGeojson } from "../actions/geojson.js";
import { belongsToElement } from "../operations/chords.js";
import { countChanged } from "../state/mask.js";
import { ask } from "./dialogs.js";
import { make } from "./elements.js";
import { tell } from "./toasts.js";

/** A larger file is no polygon of a field. */
const MOST_BYTES = 20_000_000;

export class PolygonInput {
  /**
   * @param {object} parts
   * @param {EditorDocument} parts.document
   * @param {Store<Tools>} parts.tools
   * @param {(value: number) => string} parts.nameOf a class
   */
  constructor({ document, tools, nameOf }) {
    this.document = document;
    this.tools = tools;
    this.nameOf = nameOf;
  }

  /** @param {HTMLElement} map what takes drops */
  listen(map) {
    globalThis.addEventListener("paste", (event) => {
      if (belongsToElement(event.target, "Ctrl+V")) return;
      const text = event.clipboardData?.getData("text/plain");
      if (text?.trim()) this.burn(text);
    });
    map.addEventListener("dragover", (event) => event.preventDefault());
    map.addEventListener("drop", async (event) => {
      event.preventDefault();
      const file = event.dataTransfer?.files[0];
      const text = event.dataTransfer?.getData("text/plain") ?? "";
      if (file && file.size > MOST_BYTES) tell(t("This file is too large for the polygons of one patch."), "warning");
      else if (file || text) this.burn(file ? await file.text() : text);
    });
  }

  /** Asks for the text of a polygon. */
  async ask() {
    const text = make("textarea", { id: "polygon-text", rows: "8", class: "polygon-text", autofocus: true, spellcheck: "false" });
    const answer = await ask({
      title: t("Burn in a polygon"),
      body: [
        make("label", { for: "polygon-text" }, t("GeoJSON in longitude and latitude (EPSG:4326); it becomes “{name}”.", { name: this.#name() })),
        text,
        make("p", { class: "small" }, t("You can also paste it on the page, or drop a file on the map.")),
      ],
      choices: [
        { value: "burn", label: t("Burn it in"), isPrimary: true },
        { value: "cancel", label: t("Cancel") },
      ],
      onEscape: "cancel",
    });
    if (answer === "burn") this.burn(text.value);
  }

  /** @param {string} text */
  burn(text) {
    const mask = this.document.current();
    const { patch } = this.document;
    if (!mask || !patch || !this.document.isDrawable()) {
      tell(t("There is no patch to burn the polygon into."), "warning");
      return;
    }
    try {
      const burnt = burnGeojson(mask, text, patch, this.tools.state.value);
      const isChanged = this.document.draw(burnt);
      const changed = countChanged(mask, this.document.current() ?? mask);
      const done = tn("The polygon changed {count} pixel to “{name}”. Undo takes it back.", "The polygon changed {count} pixels to “{name}”. Undo takes it back.", changed, { name: this.#name() });
      tell(isChanged ? done : t("The polygon changed nothing."), "info");
    } catch (error) {
      if (!(error instanceof GeojsonError)) throw error;
      tell(error.message, "warning");
    }
  }

  #name() {
    return this.nameOf(this.tools.state.value);
  }
}
