/**
 * What is shown, how, and where to look next.
 *
 * @import {Operation} from "./bench.js"
 * @import {Tools} from "../state/tools.js"
 */
import { t } from "../i18n.js";
import { compositesOf } from "../map/imagery.js";
import { COMPARISONS, MASK_STYLES, clampLook, clampOpacity, nextOf } from "../state/tools.js";
import { needsPatch } from "./bench.js";

/**
 * @param {string} id
 * @param {string} label
 * @param {string} key
 * @param {(state: Tools) => Partial<Tools>} change
 * @returns {Operation}
 */
const look = (id, label, key, change) => ({ id, group: "view", label, keys: [key], run: ({ tools }) => tools.set(change(tools.state)) });

/** @type {(label: string, id: string, key: string, direction: 1 | -1) => Operation} */
const spot = (label, id, key, direction) => ({
  id,
  group: "view",
  label,
  keys: [key],
  run: ({ visitSpot }) => visitSpot(direction),
  why: (bench) => {
    if (!bench.document.patch?.proposal) return needsPatch(bench) ?? t("This patch has no proposal.");
    return bench.tour.count ? null : t("The model was sure everywhere on this patch.");
  },
});

/** @type {Operation[]} */
export const VIEWING = [
  spot(t("Next uncertain spot"), "nextSpot", "J", 1),
  spot(t("Uncertain spot before"), "lastSpot", "Shift+J", -1),
  {
    id: "entropy",
    group: "view",
    label: t("Show where the model was unsure"),
    keys: ["E"],
    run: ({ tools }) => tools.set({ isEntropyShown: !tools.state.isEntropyShown }),
    why: (bench) => needsPatch(bench) ?? (bench.document.patch?.proposal ? null : t("This patch has no proposal.")),
    isOn: ({ tools }) => tools.state.isEntropyShown,
  },
  {
    id: "hide",
    group: "view",
    label: t("Hide the mask (or hold Space)"),
    keys: ["H"],
    run: ({ tools }) => tools.set({ isMaskHidden: !tools.state.isMaskHidden }),
    isOn: ({ tools }) => tools.state.isMaskHidden,
  },
  look("style", t("Show the mask as fills, patterns or outlines"), "Z", ({ style }) => ({ style: nextOf(MASK_STYLES, style), isMaskHidden: false })),
  look("fainter", t("Fainter mask"), ",", ({ opacity }) => ({ opacity: clampOpacity(opacity - 0.1), isMaskHidden: false })),
  look("stronger", t("Stronger mask"), ".", ({ opacity }) => ({ opacity: clampOpacity(opacity + 0.1), isMaskHidden: false })),
  look("darker", t("Darker imagery"), "{", ({ brightness }) => ({ brightness: clampLook(brightness - 10) })),
  look("brighter", t("Brighter imagery"), "}", ({ brightness }) => ({ brightness: clampLook(brightness + 10) })),
  look("flatter", t("Less contrast"), "<", ({ contrast }) => ({ contrast: clampLook(contrast - 10) })),
  look("crisper", t("More contrast"), ">", ({ contrast }) => ({ contrast: clampLook(contrast + 10) })),
  {
    id: "scene",
    group: "view",
    label: t("Next scene date"),
    keys: ["D"],
    run: ({ scenes, tools }) => {
      const index = scenes.findIndex((scene) => scene.id === tools.state.sceneId);
      tools.set({ sceneId: scenes[(index + 1) % scenes.length]?.id ?? null });
    },
    why: ({ scenes }) => (scenes.length > 1 ? null : t("The project has one scene only.")),
  },
  {
    id: "compare",
    group: "view",
    label: t("Compare with the next scene date: swipe, then flicker"),
    keys: ["/"],
    run: ({ tools }) => tools.set({ comparison: nextOf(COMPARISONS, tools.state.comparison) }),
    why: ({ scenes }) => (scenes.flatMap(compositesOf).length > 1 ? null : t("The project has one scene only.")),
    isOn: ({ tools }) => tools.state.comparison !== "off",
  },
  { id: "center", group: "view", label: t("Back to the patch"), keys: ["C", "Home"], run: ({ center }) => center(), why: needsPatch },
  { id: "zoomIn", group: "view", label: t("Zoom in"), keys: ["+", "="], run: ({ zoom }) => zoom(1) },
  { id: "zoomOut", group: "view", label: t("Zoom out"), keys: ["-"], run: ({ zoom }) => zoom(-1) },
];
