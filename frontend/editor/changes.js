/**
 * What the screen does when the tools change, and when a patch is drawn on, opened or closed.
 *
 * @import {Benchwork} from "./bench.js"
 * @import {Drawing} from "./drawing.js"
 * @import {Exchange} from "./exchange.js"
 * @import {Workplace} from "./workplace.js"
 */
import { DREW } from "../guidance/first_patch.js";
import { uncertainSpots } from "../guidance/uncertain_spots.js";
import { t } from "../i18n.js";
import { inComposite } from "../map/imagery.js";
import { cursorOf } from "../ui/cursors.js";
import { showOtherDrafts } from "../ui/other_drafts.js";
import { showPatchFacts, showSpotCount } from "../ui/panel.js";
import { tell } from "../ui/toasts.js";

/**
 * @typedef {object} Followed
 * @property {Workplace} workplace
 * @property {Exchange} exchange
 * @property {Benchwork} benchwork
 * @property {Drawing} drawing
 * @property {() => boolean} isSpaceHeld
 * @property {() => void} refresh
 */

/**
 * The mask as the tools say; a held Space hides it.
 *
 * @param {Pick<Workplace, "tools" | "view">} workplace
 * @param {boolean} isSpaceHeld
 */
export function showMask({ tools, view }, isSpaceHeld) {
  const { opacity, isMaskHidden, isEntropyShown } = tools.state;
  view.setVisibility({ opacity, isMaskHidden: isMaskHidden || isSpaceHeld, isEntropyShown });
}

/** @param {Followed} followed */
export function followTools({ workplace, drawing: { modes, cursor }, isSpaceHeld, refresh }) {
  const { document, tools, view } = workplace;
  tools.subscribe((state, changed) => {
    if (state.mode !== modes.id) cursor.leave();
    modes.set(state.mode);
    view.container.style.setProperty("--cursor", cursorOf(state.mode, modes.current()?.cursor ?? "default"));
    document.limits = { locked: state.locked, only: state.only };
    if ("sceneId" in changed || "composite" in changed) showScene(workplace);
    view.setStyle(state.style);
    view.setImageryLook(state);
    showMask(workplace, isSpaceHeld());
    refresh();
  });
}

/** @param {Followed} followed */
export function followDocument(followed) {
  const { workplace, benchwork, refresh } = followed;
  const { document, view } = workplace;
  document.subscribe((event) => {
    if (event.type === "pixels") {
      view.redraw(event.rect);
      return;
    }
    if (event.type === "step" && document.isDirty()) benchwork.firstPatch.see(DREW);
    if (event.type === "opened") void showOpened(followed);
    if (event.type === "closed") showClosed(followed);
    refresh();
  });
}

/** @param {Workplace} workplace */
function showScene({ analysis, document, shownScene, tools, view }) {
  const scene = shownScene();
  const { patch } = document;
  if (!scene || !patch) return;
  view.showScene(inComposite(scene, tools.state.composite), patch.z);
  void analysis.read(scene, patch);
}

/** @param {Followed} followed */
async function showOpened(followed) {
  const { workplace, benchwork, drawing, exchange } = followed;
  const { analysis, document, pins, points, project, sceneOf, shownScene, tools, view } = workplace;
  const { patch } = document;
  if (!patch) return;
  drawing.modes.current()?.cancel?.();
  const wanted = sceneOf(patch);
  drawing.cursor.leave();
  if (tools.state.sceneId === null && wanted) tools.set({ sceneId: wanted.id });
  else void analysis.read(shownScene(), patch);
  view.showPatch(patch);
  view.redraw();
  showPatchFacts(patch);
  pins.show(patch);
  // Its steps draw whole fields.
  if (!points.count) benchwork.firstPatchCard.offer();
  void showOtherDrafts(exchange.drafts, project.slug, patch.id);
  // A reload comes back to this patch.
  globalThis.history.replaceState(null, "", `?patch=${patch.id}`);
  await showEntropy(followed);
}

/** @param {Followed} followed */
async function showEntropy({ workplace: { document, tour, view }, exchange: { supply }, refresh }) {
  const { patch } = document;
  if (!patch?.proposal) return;
  const { entropy_rows, entropy_cols } = patch.proposal;
  try {
    const entropy = await supply.entropyOf(patch);
    if (document.patch !== patch || entropy?.length !== entropy_rows * entropy_cols) return;
    view.setEntropy(entropy, entropy_rows, entropy_cols);
    tour.start(uncertainSpots(entropy, entropy_rows, entropy_cols));
    showSpotCount(tour.count);
    refresh();
  } catch {
    tell(t("The entropy map could not be loaded; drawing works without it."), "warning");
  }
}

/** @param {Followed} followed */
function showClosed({ workplace: { analysis, pins, view }, drawing: { cursor } }) {
  cursor.leave();
  void analysis.read(null, null);
  view.clear();
  showPatchFacts(null);
  pins.show(null);
  globalThis.history.replaceState(null, "", globalThis.location.pathname);
}
