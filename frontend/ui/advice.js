/**
 * What helps to decide: the neighbours' masks, parcels and seams, masks of other days, and the answer that the imagery
 * is bad.
 *
 * @import {Project, Scene} from "../api/types.js"
 * @import {NeighbourMask} from "../guidance/seams.js"
 * @import {Labelling} from "../labelling.js"
 * @import {Marks} from "../map/marks.js"
 * @import {PatchView} from "../map/patch_view.js"
 * @import {EditorDocument} from "../state/document.js"
 * @import {Store} from "../state/store.js"
 * @import {Tools} from "../state/tools.js"
 */
import { fetchMask } from "../api/milpa.js";
import { listMasks, listNeighbours } from "../api/patch_masks.js";
import { rowAreasM2 } from "../guidance/ground.js";
import { parcelsOf } from "../guidance/parcels.js";
import { seamsOf } from "../guidance/seams.js";
import { t } from "../i18n.js";
import { tileUrl } from "../map/imagery.js";
import { NeighbourMasks } from "../map/neighbour_masks.js";
import { painted, whenIdle } from "../pace.js";
import { asksForPoints } from "../state/asked_points.js";
import { askImageryReport } from "./imagery_report.js";
import { askMaskSource, sourcesOf } from "./mask_sources.js";
import { ParcelList } from "./parcel_list.js";
import { tell } from "./toasts.js";

/**
 * @typedef {object} AdviceParts
 * @property {PatchView} view
 * @property {Marks} marks
 * @property {EditorDocument} document
 * @property {Store<Tools>} tools
 * @property {Project} project
 * @property {Labelling} labelling
 * @property {(value: number) => string} nameOf a class
 * @property {() => Scene | null} shownScene
 */

export class Advice {
  /** @type {NeighbourMask[]} */
  #neighbours = [];
  /** @type {Float64Array} */
  #areasM2 = new Float64Array(0);
  #queue;

  /** @param {AdviceParts} parts */
  constructor(parts) {
    this.parts = parts;
    this.#queue = whenIdle(() => this.#refresh(), () => parts.document.isDrawing());
    const { document, marks, nameOf, project, tools, view } = parts;
    this.layer = new NeighbourMasks(view, project.legend);
    const visit = (/** @type {import("../state/mask.js").Point} */ at) => {
      view.lookAt(at);
      marks.showSpot(at);
    };
    this.list = new ParcelList({ legend: project.legend, nameOf, visit });
    document.subscribe(({ type }) => {
      if (type === "opened") void this.#open();
      if (type === "closed") this.#close();
      if (type === "step" || type === "opened") this.#queue();
    });
    tools.subscribe(({ isMaskHidden, isNeighboursShown, opacity, style }) =>
      this.layer.setLook(style, isNeighboursShown && !isMaskHidden ? opacity : 0),
    );
  }

  /** @returns {number} how many of the patches around are approved */
  neighbourCount() {
    return this.#neighbours.length;
  }

  /** Shows the masks of other days; the one that is taken up is a step that undo takes back. */
  async chooseMask() {
    const { document, labelling, nameOf, project, shownScene } = this.parts;
    const { patch } = document;
    const onScreen = document.current();
    if (!patch || !onScreen) return;
    try {
      const sources = sourcesOf(await listMasks(patch.id), onScreen, fetchMask);
      const scene = shownScene();
      const imageUrl = scene ? tileUrl(scene, patch) : null;
      const taken = await askMaskSource(sources, { legend: project.legend, nameOf, imageUrl, areasM2: this.#areasM2 });
      if (!taken || document.patch !== patch) return;
      const isChanged = document.apply(taken.mask);
      tell(isChanged ? t("Taken up: {mask}. Undo takes it back.", { mask: taken.label }) : t("It is the same mask."), "info");
    } catch (error) {
      labelling.fail(error, () => this.chooseMask());
    }
  }

  /** Asks what is wrong with the imagery, and submits that. */
  async reportImagery() {
    const { document, labelling } = this.parts;
    const { patch } = document;
    const report = await askImageryReport();
    if (report && patch && document.patch === patch) await labelling.saving.reportImagery(report);
  }

  async #open() {
    const { document } = this.parts;
    const { patch } = document;
    this.#close();
    if (!patch) return;
    this.#areasM2 = rowAreasM2(patch);
    await painted();
    if (document.patch !== patch) return;
    try {
      const { results } = await listNeighbours(patch.id);
      const neighbours = await Promise.all(results.map(async ({ dx, dy, mask_url }) => ({ dx, dy, mask: await fetchMask(mask_url) })));
      if (document.patch !== patch) return;
      this.#neighbours = neighbours;
      this.layer.show(patch, neighbours);
      this.#queue();
    } catch {
      // Without a connection the patch is drawn without its neighbours.
    }
  }

  #close() {
    this.#neighbours = [];
    this.layer.clear();
    this.list.clear();
  }

  #refresh() {
    const mask = this.parts.document.current();
    if (!mask) return;
    // Cells here and there are no parcels.
    if (asksForPoints(this.parts.document.patch)) this.list.clear();
    else this.list.show(parcelsOf(mask, this.parts.project.legend, this.#areasM2), seamsOf(mask, this.#neighbours));
  }
}
