/**
 * The parcels that the mask gives, live, and whether they meet the neighbours' at the seams.
 *
 * @import {LabelClass} from "../api/types.js"
 * @import {LiveParcel} from "../guidance/parcels.js"
 * @import {Seam, Side} from "../guidance/seams.js"
 * @import {Point} from "../state/mask.js"
 */
import { SPECK_PX } from "../guidance/parcels.js";
import { number, t, tn } from "../i18n.js";
import { find, make, swatch } from "./elements.js";

const MOST_ROWS = 100;

export class ParcelList {
  #rows = make("ol", { class: "parcel-rows" });
  #list = make("details", {}, make("summary", {}, t("All parcels, the largest first")), this.#rows);
  /** @type {LiveParcel[]} */
  #parcels = [];
  #summary = make("p", { id: "parcel-summary", class: "small" });
  #seams = make("p", { id: "seams", class: "small", role: "status" });

  /**
   * @param {object} parts
   * @param {LabelClass[]} parts.legend
   * @param {(value: number) => string} parts.nameOf a class
   * @param {(at: Point) => void} parts.visit
   */
  constructor({ legend, nameOf, visit }) {
    this.legend = legend;
    this.nameOf = nameOf;
    this.visit = visit;
    this.#list.addEventListener("toggle", () => this.#showRows());
    const section = make("section", { id: "parcels", "aria-label": t("Parcels") }, make("h2", {}, t("Parcels")), this.#summary, this.#seams, this.#list);
    find("#patch-facts").closest("section")?.before(section);
  }

  /**
   * @param {LiveParcel[]} parcels
   * @param {Seam[]} seams
   */
  show(parcels, seams) {
    const fields = parcels.filter(({ pixels }) => pixels >= SPECK_PX);
    const specks = parcels.length - fields.length;
    const hectares = fields.reduce((sum, one) => sum + one.hectares, 0);
    const counted = tn("{count} parcel, {hectares} ha", "{count} parcels, {hectares} ha", fields.length, { hectares: number(hectares, 2) });
    const smaller = specks ? tn("{count} speck below {pixels} pixels", "{count} specks below {pixels} pixels", specks, { pixels: SPECK_PX }) : "";
    this.#summary.textContent = [counted, smaller].filter(Boolean).join("; ");
    this.#seams.textContent = seamText(seams);
    this.#parcels = parcels;
    this.#showRows();
  }

  /** Rows that nobody sees cost nothing with each stroke. */
  #showRows() {
    const rows = this.#list.open ? this.#parcels.slice(0, MOST_ROWS) : [];
    this.#rows.replaceChildren(...rows.map((parcel) => make("li", {}, this.#row(parcel))));
  }

  clear() {
    this.#summary.textContent = this.#seams.textContent = "";
    this.#parcels = [];
    this.#showRows();
  }

  /** @param {LiveParcel} parcel */
  #row({ value, hectares, isCut, at }) {
    const one = this.legend.find((labelClass) => labelClass.value === value);
    const remark = isCut ? make("small", {}, t("goes on beyond the patch")) : null;
    const name = make("span", { class: "class-name" }, this.nameOf(value), remark);
    const area = make("span", { class: "class-share" }, t("{hectares} ha", { hectares: number(hectares, hectares < 0.1 ? 3 : 2) }));
    return make("button", { type: "button", class: "class-button", onclick: () => this.visit(at) }, one ? swatch(one) : null, name, area);
  }
}

/** @param {Seam[]} seams */
function seamText(seams) {
  if (!seams.length) return "";
  const open = seams.filter(({ differing }) => differing);
  if (!open.length) return t("Every seam with an approved neighbour fits.");
  const sides = open.map(({ side, differing }) => t("{side} {pixels} px", { side: sideName(side), pixels: differing })).join(", ");
  return t("Seams that do not fit yet: {sides}.", { sides });
}

/** @param {Side} side */
function sideName(side) {
  return { north: t("north"), east: t("east"), south: t("south"), west: t("west") }[side];
}
