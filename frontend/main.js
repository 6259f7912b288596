/**
 * The editor: puts the parts together.
 *
 * For journeys, #editor carries data-state, data-patch-id, data-revision and data-dirty, and `window.milpaEditor`
 * holds the document: `milpaEditor.document.mask()` is what the screen shows.
 *
 * @import {Patch, Project} from "./api/types.js"
 * @import {Bench, Operation} from "./operations/bench.js"
 * @import {Parts, Situation} from "./labelling.js"
 */
import { t } from "./i18n.js";
import * as api from "./api/milpa.js";
import { reportImagery } from "./api/patch_masks.js";
import { DREW, FirstPatch, LOOKED } from "./guidance/first_patch.js";
import { SpotTour } from "./guidance/spot_tour.js";
import { uncertainSpots } from "./guidance/uncertain_spots.js";
import { Recorder } from "./history/recorder.js";
import { openSteps } from "./history/step_store.js";
import { AT_FIRST, Labelling } from "./labelling.js";
import { inComposite, readyScenes, tileUrl } from "./map/imagery.js";
import { Marks } from "./map/marks.js";
import { PatchView } from "./map/patch_view.js";
import { listenToPointer } from "./map/pointer.js";
import { SceneAnalysis } from "./map/scene_analysis.js";
import { brushMode } from "./modes/brush.js";
import { fillMode } from "./modes/fill.js";
import { KeyboardCursor } from "./modes/keyboard_cursor.js";
import { lassoMode } from "./modes/lasso.js";
import { lookAlikeFillMode, smartBrushMode } from "./modes/look_alike.js";
import { mergeMode } from "./modes/merge.js";
import { Modes } from "./modes/modes.js";
import { panMode } from "./modes/pan.js";
import { penMode } from "./modes/pen.js";
import { pointsMode } from "./modes/points.js";
import { polygonMode } from "./modes/polygon.js";
import { listenToKeys } from "./operations/keyboard.js";
import { Keymap, storedKeys } from "./operations/keymap.js";
import { OPERATIONS, classOperations, classValueOf, lockOperations } from "./operations/operations.js";
import { AskedPoints } from "./state/asked_points.js";
import { EditorDocument } from "./state/document.js";
import { Field } from "./offline/field.js";
import { Outbox } from "./offline/outbox.js";
import { openPackets } from "./offline/packets.js";
import { registerServiceWorker } from "./offline/register.js";
import { Supply } from "./offline/supply.js";
import { viewTiles } from "./offline/view_tiles.js";
import { lazyDatabase } from "./state/database.js";
import { openDrafts } from "./state/drafts.js";
import { Store } from "./state/store.js";
import { createTools, resized } from "./state/tools.js";
import { Advice } from "./ui/advice.js";
import { operationButton } from "./ui/buttons.js";
import { bindComparison } from "./ui/comparison_bar.js";
import { cursorOf } from "./ui/cursors.js";
import { askBeforeLeaving, askConflict } from "./ui/dialogs.js";
import { find, jsonOf } from "./ui/elements.js";
import { showFirstPatch } from "./ui/first_patch_card.js";
import { showOtherDrafts } from "./ui/other_drafts.js";
import { showField } from "./ui/field_panel.js";
import { showOutbox } from "./ui/outbox_panel.js";
import { buildPanel, showPatchFacts, showSpotCount } from "./ui/panel.js";
import { PinnedComments } from "./ui/pinned_comments.js";
import { Pointed } from "./ui/pointed.js";
import { guideThroughPoints } from "./ui/points_bar.js";
import { PolygonInput } from "./ui/polygon_input.js";
import { GESTURES, showShortcuts } from "./ui/shortcuts.js";
import { showSituation } from "./ui/situation.js";
import { spotVisits } from "./ui/spot_visits.js";
import { tell } from "./ui/toasts.js";
import { namesOf, showWork } from "./ui/work.js";

const root = find("#editor");
/** @type {Project} */
const project = jsonOf("project");
const scenes = readyScenes(project.scenes);
const editorDocument = new EditorDocument();
const tools = createTools(project.legend, globalThis.localStorage ?? null);
/** @type {Store<Situation>} */
const situation = new Store(AT_FIRST);
const view = new PatchView(find("#editor-map"), project.legend, { maskOf: () => editorDocument.mask() });
const marks = new Marks(view);
const pins = new PinnedComments(view);
const analysis = new SceneAnalysis(() => refresh());
const tour = new SpotTour();
const points = new AskedPoints(editorDocument);
const nameOf = namesOf(project.legend);
const polygonInput = new PolygonInput({ document: editorDocument, tools, nameOf });
const pointed = new Pointed(editorDocument, nameOf);

const userId = root.dataset["user"] ?? "";
const database = lazyDatabase();
const packets = openPackets(userId, database);
const drafts = openDrafts(userId, database);
/** @type {Record<import("./offline/sending.js").Sending["kind"], (number: number) => string>} */
const ARRIVED = {
  submission: () => t("Submitted for review."),
  draft: (number) => t("Saved as revision {number}.", { number }),
  "bad-imagery": () => t("Submitted as bad imagery."),
};
const outbox = new Outbox({
  api: { ...api, reportImagery },
  database,
  person: userId,
  onSent(sending, revision) {
    tell(ARRIVED[sending.kind](revision.number), "success");
    if (sending.kind === "draft") void labelling.saving.arrived(sending, revision);
  },
  onStuck(sending) {
    if (!labelling.saving.takeOver(sending)) tell(t("A submission needs your decision: see beside the map."), "warning");
  },
  onUnkept: () => tell(t("This browser cannot keep your work. Leave this page open until everything is sent."), "warning"),
});
/** @type {(patch: Patch) => string[]} */
const tilesOf = (patch) => {
  const scene = shownScene() ?? sceneOf(patch);
  return scene ? viewTiles(inComposite(scene, tools.state.composite), patch, view.map.getSize()) : [];
};
const supply = new Supply({ api, project, packets, outbox, tilesOf });
const tilesOfAllScenes = (/** @type {Patch} */ patch) => scenes.flatMap((scene) => viewTiles(scene, patch, view.map.getSize()));
const field = new Field({ api, project, packets, drafts, supply, outbox, tilesOf: tilesOfAllScenes });

/** @type {Parts} */
const parts = {
  api,
  project,
  document: editorDocument,
  drafts,
  outbox,
  supply,
  userId,
  situation,
  person: { tell, askBeforeLeaving, askConflict: (conflict) => askWhichMask(editorDocument.patch, conflict) },
};
const labelling = new Labelling(parts);
new Recorder(editorDocument, openSteps(root.dataset["user"] ?? "anyone"));

const advice = new Advice({ view, marks, document: editorDocument, tools, project, labelling, nameOf, shownScene });

/** @type {Operation[]} */
const operations = [...OPERATIONS, ...classOperations(project), ...lockOperations(project)];
const keymap = new Keymap(operations, storedKeys(globalThis.localStorage ?? null, root.dataset["user"] ?? "anyone"));
/** @type {Bench} */
const bench = {
  project,
  document: editorDocument,
  tools,
  situation,
  labelling,
  scenes,
  keymap,
  tour,
  advice,
  whyNoImagery: () => analysis.why(),
  pointedValue: () => pointed.value,
  center: () => view.center(),
  zoom: (levels) => void view.map.setZoom(view.map.getZoom() + levels, { animate: false }),
  visitSpot: spotVisits({ tour, view, marks, document: editorDocument, nameOf }),
  askPolygon: () => polygonInput.ask(),
  showShortcuts: () => void showShortcuts(keymap, GESTURES),
  points,
  startFirstPatch: () => firstPatch.start(),
};
const firstPatch = new FirstPatch(bench);
const firstPatchCard = showFirstPatch(firstPatch, { storage: globalThis.localStorage ?? null, person: root.dataset["user"] ?? "anyone" });

const modeParts = {
  document: editorDocument,
  tools,
  hand: {
    showBrush: marks.showBrush.bind(marks),
    showRing: marks.showRing.bind(marks),
    scale: () => view.scale(),
    pan: (/** @type {number} */ dx, /** @type {number} */ dy) => void view.map.panBy([dx, dy], { animate: false }),
    centerOn: view.centerOn.bind(view),
    setPanning: (/** @type {boolean} */ isOn) => (isOn ? view.map.dragging.enable() : view.map.dragging.disable()),
  },
  boundaryValue: project.legend.find((one) => one.is_boundary)?.value ?? null,
  analysis: () => analysis.current(),
  tell: (/** @type {string} */ sentence) => tell(sentence, "info"),
};
const modes = new Modes({
  brush: brushMode(modeParts, { isEraser: false }),
  eraser: brushMode(modeParts, { isEraser: true }),
  smart: smartBrushMode(modeParts),
  alike: lookAlikeFillMode(modeParts),
  lasso: lassoMode(modeParts),
  polygon: polygonMode(modeParts),
  pen: penMode(modeParts),
  merge: mergeMode(modeParts),
  fill: fillMode(modeParts),
  points: pointsMode(modeParts, { points, valueOf: (/** @type {string} */ chord) => classValueOf(keymap.operationOf(chord)) }),
  pan: panMode(modeParts),
});

const cursor = new KeyboardCursor({
  modes,
  isDrawable: () => editorDocument.isDrawable(),
  from: () => pointed.at,
  show: (at) => {
    marks.showCursor(at);
    pointed.set(at);
    if (at) view.reveal(at);
  },
});

/** @param {Operation} operation */
function run(operation) {
  const why = operation.why?.(bench);
  if (why) tell(why, "info");
  else {
    void operation.run(bench);
    firstPatch.see(operation.id);
  }
}

/**
 * @param {Patch | null} patch
 * @param {Parameters<typeof askConflict>[0]} conflict
 */
function askWhichMask(patch, conflict) {
  const scene = shownScene();
  const imageUrl = scene && patch ? tileUrl(scene, patch) : null;
  return askConflict(conflict, project.legend, { imageUrl, username: root.dataset["username"] ?? "" });
}

const buttons = [
  ...operations
    .filter(({ group }) => group === "tools" || group === "edit" || group === "view" || group === "help")
    .map((operation) => ({ operation, button: operationButton(operation, bench, run, { class: "tool-button", hasIcon: true }) }))
    .map(({ operation, button }) => {
      if (button.element.childElementCount) find(`#toolbar-${operation.group}`).append(button.element);
      return button;
    }),
  ...operations
    .filter(({ group }) => group === "patch")
    .map((operation) => {
      const look = operation.id === "submit" ? "button button--primary" : "button";
      const button = operationButton(operation, bench, run, { class: look });
      find("#patch-actions").append(button.element);
      return button;
    }),
  ...buildPanel(bench, operations, run),
];

let isRefreshing = false;
/** Many changes, one refresh. */
function refresh() {
  if (isRefreshing) return;
  isRefreshing = true;
  queueMicrotask(() => {
    isRefreshing = false;
    for (const button of buttons) button.refresh();
    root.dataset["state"] = situation.state.phase;
    root.dataset["patchId"] = String(editorDocument.patch?.id ?? "");
    root.dataset["revision"] = String(editorDocument.patch ? editorDocument.baseNumber : "");
    root.dataset["dirty"] = String(editorDocument.isDirty());
  });
}

const keys = listenToKeys({
  keymap,
  modes,
  cursor,
  run,
  onSpace(isHeld) {
    showMask();
    if (isHeld) firstPatch.see(LOOKED);
  },
});
listenToPointer({
  view,
  modes,
  isSpaceHeld: keys.isSpaceHeld,
  isDrawable: () => editorDocument.isDrawable(),
  resize: (direction) => tools.set(resized(tools.state, direction)),
  pick: (point) => {
    const value = pointed.valueAt(point);
    if (value !== null) tools.set({ value });
  },
  pointed: (at) => {
    cursor.leave();
    pointed.set(at);
  },
});
polygonInput.listen(view.container);
bindComparison({ view, tools, document: editorDocument, scenes });

function showMask() {
  const { opacity, isMaskHidden, isEntropyShown } = tools.state;
  view.setVisibility({ opacity, isMaskHidden: isMaskHidden || keys.isSpaceHeld(), isEntropyShown });
}

tools.subscribe((state, changed) => {
  if (state.mode !== modes.id) cursor.leave();
  modes.set(state.mode);
  find("#editor-map").style.setProperty("--cursor", cursorOf(state.mode, modes.current()?.cursor ?? "default"));
  editorDocument.limits = { locked: state.locked, only: state.only };
  if ("sceneId" in changed || "composite" in changed) showScene();
  view.setStyle(state.style);
  view.setImageryLook(state);
  showMask();
  refresh();
});
situation.subscribe(refresh);
keymap.subscribe(refresh);
editorDocument.subscribe((event) => {
  if (event.type === "pixels") {
    view.redraw(event.rect);
    return;
  }
  if (event.type === "step" && editorDocument.isDirty()) firstPatch.see(DREW);
  if (event.type === "opened") void showOpened();
  if (event.type === "closed") {
    cursor.leave();
    void analysis.read(null, null);
    view.clear();
    showPatchFacts(null);
    pins.show(null);
    globalThis.history.replaceState(null, "", globalThis.location.pathname);
  }
  refresh();
});

function shownScene() {
  return scenes.find(({ id }) => id === tools.state.sceneId) ?? null;
}

function showScene() {
  const scene = shownScene();
  const { patch } = editorDocument;
  if (!scene || !patch) return;
  view.showScene(inComposite(scene, tools.state.composite), patch.z);
  void analysis.read(scene, patch);
}

/** @param {Patch} patch */
function sceneOf(patch) {
  return scenes.find(({ id }) => id === patch.proposal?.scene) ?? scenes[0];
}

async function showOpened() {
  const patch = editorDocument.patch;
  if (!patch) return;
  modes.current()?.cancel?.();
  const wanted = sceneOf(patch);
  cursor.leave();
  if (tools.state.sceneId === null && wanted) tools.set({ sceneId: wanted.id });
  else void analysis.read(shownScene(), patch);
  view.showPatch(patch);
  view.redraw();
  showPatchFacts(patch);
  pins.show(patch);
  // Its steps draw whole fields.
  if (!points.count) firstPatchCard.offer();
  void showOtherDrafts(parts.drafts, project.slug, patch.id);
  // A reload comes back to this patch.
  globalThis.history.replaceState(null, "", `?patch=${patch.id}`);
  const { proposal } = patch;
  if (!proposal) return;
  try {
    const entropy = await supply.entropyOf(patch);
    const { entropy_rows, entropy_cols } = proposal;
    if (editorDocument.patch === patch && entropy?.length === entropy_rows * entropy_cols) {
      view.setEntropy(entropy, entropy_rows, entropy_cols);
      tour.start(uncertainSpots(entropy, entropy_rows, entropy_cols));
      showSpotCount(tour.count);
      refresh();
    }
  } catch {
    tell(t("The entropy map could not be loaded; drawing works without it."), "warning");
  }
}

const clock = editorDocument.clock;
for (const type of ["pointerdown", "pointermove", "keydown", "wheel"]) {
  globalThis.addEventListener(type, () => editorDocument.patch && document.hasFocus() && clock.signOfLife(), { passive: true });
}
globalThis.addEventListener("blur", () => clock.pause());
document.addEventListener("visibilitychange", () => document.hidden && clock.pause());
new ResizeObserver(() => view.map.invalidateSize({ animate: false })).observe(view.container);

guideThroughPoints({ points, tools, view, document: editorDocument, nameOf });
showWork({ document: editorDocument, tools, legend: project.legend });
showSituation({ situation, document: editorDocument, labelling, projectUrl: root.dataset["projectUrl"] ?? "/" });
Object.assign(globalThis, { milpaEditor: { document: editorDocument } });
if (project.bounds) view.map.fitBounds([[project.bounds[1], project.bounds[0]], [project.bounds[3], project.bounds[2]]], { animate: false });
showOutbox(outbox, (sending, conflict) => askWhichMask(sending.patch, conflict));
showField(field, () => editorDocument.patch?.id ?? null);
outbox.store.subscribe(() => void field.look());
globalThis.addEventListener("online", () => outbox.wake());
globalThis.addEventListener("focus", () => outbox.wake());
globalThis.addEventListener("beforeunload", (event) => outbox.hasUnkept() && event.preventDefault());
globalThis.addEventListener("pagehide", () => {
  // A stroke under way is a step, too.
  editorDocument.endStroke();
  supply.leave();
});
labelling.startClock();
const wantedPatchId = Number(new URLSearchParams(globalThis.location.search).get("patch")) || null;
// What waits in the outbox is not to be served again.
void outbox
  .load()
  .then(() => labelling.next(wantedPatchId))
  .then(registerServiceWorker);
