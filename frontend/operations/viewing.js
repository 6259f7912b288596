/**
 * What is shown, how, and where to look next.
 *
 * @import {Operation} from "./bench.js"
 * @import {Tools} from "../state/tools.js"
 */
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
    if (!bench.document.patch?.proposal) return needsPatch(bench) ?? "This patch has no proposal.";
    return bench.tour.count ? null : "The model was sure everywhere on this patch.";
  },
});

/** @type {Operation[]} */
export const VIEWING = [
  spot("Next uncertain spot", "nextSpot", "J", 1),
  spot("Uncertain spot before", "lastSpot", "Shift+J", -1),
  {
    id: "entropy",
    group: "view",
    label: "Show where the model was unsure",
    keys: ["E"],
    run: ({ tools }) => tools.set({ isEntropyShown: !tools.state.isEntropyShown }),
    why: (bench) => needsPatch(bench) ?? (bench.document.patch?.proposal ? null : "This patch has no proposal."),
    isOn: ({ tools }) => tools.state.isEntropyShown,
  },
  {
    id: "hide",
    group: "view",
    label: "Hide the mask (or hold Space)",
    keys: ["H"],
    run: ({ tools }) => tools.set({ isMaskHidden: !tools.state.isMaskHidden }),
    isOn: ({ tools }) => tools.state.isMaskHidden,
  },
  look("style", "Show the mask as fills, patterns or outlines", "Z", ({ style }) => ({ style: nextOf(MASK_STYLES, style), isMaskHidden: false })),
  look("fainter", "Fainter mask", ",", ({ opacity }) => ({ opacity: clampOpacity(opacity - 0.1), isMaskHidden: false })),
  look("stronger", "Stronger mask", ".", ({ opacity }) => ({ opacity: clampOpacity(opacity + 0.1), isMaskHidden: false })),
  look("darker", "Darker imagery", "{", ({ brightness }) => ({ brightness: clampLook(brightness - 10) })),
  look("brighter", "Brighter imagery", "}", ({ brightness }) => ({ brightness: clampLook(brightness + 10) })),
  look("flatter", "Less contrast", "<", ({ contrast }) => ({ contrast: clampLook(contrast - 10) })),
  look("crisper", "More contrast", ">", ({ contrast }) => ({ contrast: clampLook(contrast + 10) })),
  {
    id: "scene",
    group: "view",
    label: "Next scene date",
    keys: ["D"],
    run: ({ scenes, tools }) => {
      const index = scenes.findIndex((scene) => scene.id === tools.state.sceneId);
      tools.set({ sceneId: scenes[(index + 1) % scenes.length]?.id ?? null });
    },
    why: ({ scenes }) => (scenes.length > 1 ? null : "The project has one scene only."),
  },
  {
    id: "compare",
    group: "view",
    label: "Compare with the next scene date: swipe, then flicker",
    keys: ["/"],
    run: ({ tools }) => tools.set({ comparison: nextOf(COMPARISONS, tools.state.comparison) }),
    why: ({ scenes }) => (scenes.length > 1 ? null : "The project has one scene only."),
    isOn: ({ tools }) => tools.state.comparison !== "off",
  },
  { id: "center", group: "view", label: "Back to the patch", keys: ["C", "Home"], run: ({ center }) => center(), why: needsPatch },
  { id: "zoomIn", group: "view", label: "Zoom in", keys: ["+", "="], run: ({ zoom }) => zoom(1) },
  { id: "zoomOut", group: "view", label: "Zoom out", keys: ["-"], run: ({ zoom }) => zoom(-1) },
];
