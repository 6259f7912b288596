/**
 * Earlier revisions and the proposals of other dates: what each of them looks like, what changed between two, and
 * taking one up.
 *
 * @import {ListedMasks} from "../api/patch_masks.js"
 * @import {LabelClass} from "../api/types.js"
 * @import {Mask} from "../state/mask.js"
 */
import { changesBetween } from "../history/changes.js";
import { dayAndTimeOf, number, t, tn } from "../i18n.js";
import { paintDifference, paintMask, paletteOf } from "../map/paint.js";
import { countChanged, wholePatch } from "../state/mask.js";
import { ask } from "./dialogs.js";
import { make } from "./elements.js";
import { picture } from "./mask_picture.js";
import { tell } from "./toasts.js";

/** @typedef {{label: string, load: () => Promise<Mask>}} MaskSource */

/** So many kinds of changes are listed, the most frequent first. */
const MOST_CHANGES = 6;

/**
 * @param {ListedMasks} listed
 * @param {Mask} onScreen
 * @param {(url: string) => Promise<Mask>} fetchMask
 * @returns {MaskSource[]} what is on the screen first, then revisions and proposals, the newest first
 */
export function sourcesOf({ revisions, proposals }, onScreen, fetchMask) {
  return [
    { label: t("On the screen now"), load: () => Promise.resolve(onScreen) },
    ...revisions.map((one) => ({ label: revisionLabel(one), load: () => fetchMask(one.mask_url) })),
    ...proposals.map((one) => ({
      label: t("Proposal for {date} by model version {version}", { date: one.acquired_on ?? one.scene_name, version: one.model_version }),
      load: () => fetchMask(one.mask_url),
    })),
  ];
}

/** @param {ListedMasks["revisions"][number]} revision */
function revisionLabel({ number: which, author, saved_at, is_submitted, is_conflicting }) {
  const facts = { number: which, author, when: dayAndTimeOf(saved_at) };
  if (is_conflicting) return t("Revision {number} by {author}, {when}, kept aside", facts);
  return is_submitted ? t("Revision {number} by {author}, {when}, submitted", facts) : t("Revision {number} by {author}, {when}", facts);
}

/**
 * @param {MaskSource[]} sources
 * @param {object} page
 * @param {LabelClass[]} page.legend
 * @param {(value: number) => string} page.nameOf a class
 * @param {string | null} page.imageUrl
 * @param {Float64Array} page.areasM2 of a pixel, by row
 * @returns {Promise<{label: string, mask: Mask} | null>} what is taken up
 */
export async function askMaskSource(sources, { legend, nameOf, imageUrl, areasM2 }) {
  const palette = paletteOf(legend);
  const chosen = choice("mask-source", t("Mask"), sources, Math.min(1, sources.length - 1));
  const other = choice("mask-compared", t("Compared with"), sources, 0);
  const pictures = make("div", { class: "conflict" });
  const changes = make("ul", { class: "mask-changes small" });
  /** @type {Map<MaskSource, Mask>} */
  const loaded = new Map();
  const show = async () => {
    const [a, b] = [sources[chosen.index()], sources[other.index()]];
    if (!a || !b) return;
    try {
      const [after, before] = await Promise.all([a.load(), b.load()]);
      if (a !== sources[chosen.index()] || b !== sources[other.index()]) return;
      loaded.set(a, after);
      pictures.replaceChildren(
        picture(a.label, (pixels) => paintMask(after, palette, pixels, wholePatch()), imageUrl, "chosen"),
        picture(b.label, (pixels) => paintMask(before, palette, pixels, wholePatch()), imageUrl, "compared"),
        picture(differenceLabel(countChanged(before, after)), (pixels) => paintDifference(before, after, pixels), imageUrl, "difference"),
      );
      const rows = changesBetween(before, after, areasM2).slice(0, MOST_CHANGES);
      changes.replaceChildren(
        ...rows.map(({ from, to, hectares }) =>
          make("li", {}, t("{from} became {to}: {hectares} ha", { from: nameOf(from), to: nameOf(to), hectares: number(hectares, 2) })),
        ),
      );
    } catch {
      tellThatItIsMissing();
    }
  };
  for (const one of [chosen, other]) one.select.addEventListener("change", () => void show());
  void show();
  const answer = await ask({
    title: t("Earlier revisions and other dates"),
    body: [make("div", { class: "mask-choices" }, chosen.element, other.element), pictures, changes],
    choices: [
      { value: "take", label: t("Take this mask"), isPrimary: true },
      { value: "close", label: t("Close") },
    ],
    onEscape: "close",
    isWide: true,
  });
  const source = sources[chosen.index()];
  if (answer !== "take" || !source) return null;
  // Whoever is quicker than the link takes what was chosen, not what was still on show.
  const mask = loaded.get(source) ?? (await source.load().catch(tellThatItIsMissing));
  return mask ? { label: source.label, mask } : null;
}

function tellThatItIsMissing() {
  tell(t("This mask could not be loaded. Choose another one, or try again."), "warning");
}

/** @param {number} pixels */
function differenceLabel(pixels) {
  return pixels ? tn("{count} pixel differs", "{count} pixels differ", pixels) : t("Nothing differs");
}

/**
 * @param {string} id
 * @param {string} label
 * @param {MaskSource[]} sources
 * @param {number} first
 */
function choice(id, label, sources, first) {
  const select = make("select", { id }, ...sources.map((one, i) => make("option", { value: String(i), selected: i === first }, one.label)));
  return { select, index: () => Number(select.value), element: make("div", { class: "field" }, make("label", { for: id }, label), select) };
}
