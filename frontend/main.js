/**
 * The editor: puts the parts together.
 *
 * For journeys, #editor carries data-state, data-patch-id, data-revision and data-dirty, and `window.milpaEditor`
 * holds the document: `milpaEditor.document.mask()` is what the screen shows.
 *
 * @import {Project} from "./api/types.js"
 * @import {Bench, Operation} from "./operations/operations.js"
 * @import {Parts, Situation} from "./labelling.js"
 */
import * as api from "./api/milpa.js";
import { AT_FIRST, Labelling } from "./labelling.js";
import { readyScenes, tileUrl } from "./map/imagery.js";
import { Marks } from "./map/marks.js";
import { PatchView } from "./map/patch_view.js";
import { listenToPointer } from "./map/pointer.js";
import { brushMode } from "./modes/brush.js";
import { fillMode } from "./modes/fill.js";
import { Modes } from "./modes/modes.js";
import { panMode } from "./modes/pan.js";
import { polygonMode } from "./modes/polygon.js";
import { listenToKeys } from "./operations/keyboard.js";
import { OPERATIONS, classOperations } from "./operations/operations.js";
import { EditorDocument } from "./state/document.js";
import { openDrafts } from "./state/drafts.js";
import { SIZE_PX } from "./state/mask.js";
import { Store } from "./state/store.js";
import { createTools, nextSize } from "./state/tools.js";
import { operationButton } from "./ui/buttons.js";
import { askBeforeLeaving, askConflict, showShortcuts } from "./ui/dialogs.js";
import { find, jsonOf } from "./ui/elements.js";
import { showOtherDrafts } from "./ui/other_drafts.js";
import { buildPanel, showPatchFacts } from "./ui/panel.js";
import { showSituation } from "./ui/situation.js";
import { tell } from "./ui/toasts.js";

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

/** @type {Parts} */
const parts = {
  api,
  project,
  document: editorDocument,
  drafts: openDrafts(root.dataset["user"] ?? "anyone"),
  situation,
  person: { tell, askBeforeLeaving, askConflict: askWhichMask },
};
const labelling = new Labelling(parts);

/** @type {Operation[]} */
const operations = [...OPERATIONS, ...classOperations(project)];
/** @type {Bench} */
const bench = {
  project,
  document: editorDocument,
  tools,
  situation,
  labelling,
  scenes,
  center: () => view.center(),
  showShortcuts: () => void showShortcuts(operations),
};

const modeParts = {
  document: editorDocument,
  tools,
  hand: {
    showBrush: marks.showBrush.bind(marks),
    showRing: marks.showRing.bind(marks),
    scale: () => view.scale(),
    setPanning: (/** @type {boolean} */ isOn) => (isOn ? view.map.dragging.enable() : view.map.dragging.disable()),
  },
  boundaryValue: project.legend.find((one) => one.is_boundary)?.value ?? null,
};
const modes = new Modes({
  brush: brushMode(modeParts, { isEraser: false }),
  eraser: brushMode(modeParts, { isEraser: true }),
  polygon: polygonMode(modeParts),
  fill: fillMode(modeParts),
  pan: panMode(modeParts),
});

/** @param {Operation} operation */
function run(operation) {
  const why = operation.why?.(bench);
  if (why) tell(why, "info");
  else void operation.run(bench);
}

/** @type {Parts["person"]["askConflict"]} */
function askWhichMask(conflict) {
  const scene = scenes.find(({ id }) => id === tools.state.sceneId);
  const imageUrl = scene && editorDocument.patch ? tileUrl(scene, editorDocument.patch) : null;
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

const keys = listenToKeys({ operations, bench, modes, run, onSpace: () => showMask() });
listenToPointer({
  view,
  modes,
  isSpaceHeld: keys.isSpaceHeld,
  isDrawable: () => editorDocument.isDrawable(),
  resize: (direction) => tools.set({ sizePx: nextSize(tools.state.sizePx, direction) }),
  pick: ({ x, y }) => {
    const value = editorDocument.mask()?.[Math.floor(y) * SIZE_PX + Math.floor(x)];
    if (value !== undefined) tools.set({ value });
  },
});

function showMask() {
  const { opacity, isMaskHidden, isEntropyShown } = tools.state;
  view.setVisibility({ opacity, isMaskHidden: isMaskHidden || keys.isSpaceHeld(), isEntropyShown });
}

tools.subscribe((state, changed) => {
  modes.set(state.mode);
  find("#editor-map").style.setProperty("--cursor", modes.current()?.cursor ?? "default");
  const scene = "sceneId" in changed && scenes.find(({ id }) => id === state.sceneId);
  if (scene && editorDocument.patch) view.showScene(scene, editorDocument.patch.z);
  showMask();
  refresh();
});
situation.subscribe(refresh);
editorDocument.subscribe((event) => {
  if (event.type === "pixels") {
    view.redraw(event.rect);
    return;
  }
  if (event.type === "opened") void showOpened();
  if (event.type === "closed") {
    view.clear();
    showPatchFacts(null);
    globalThis.history.replaceState(null, "", globalThis.location.pathname);
  }
  refresh();
});

async function showOpened() {
  const patch = editorDocument.patch;
  if (!patch) return;
  modes.current()?.cancel?.();
  const wanted = scenes.find(({ id }) => id === patch.proposal?.scene) ?? scenes[0];
  if (tools.state.sceneId === null && wanted) tools.set({ sceneId: wanted.id });
  view.showPatch(patch);
  view.redraw();
  showPatchFacts(patch);
  void showOtherDrafts(parts.drafts, project.slug, patch.id);
  // A reload comes back to this patch.
  globalThis.history.replaceState(null, "", `?patch=${patch.id}`);
  const { proposal } = patch;
  if (!proposal) return;
  try {
    const entropy = await api.fetchEntropy(proposal.entropy_url);
    const { entropy_rows, entropy_cols } = proposal;
    if (editorDocument.patch === patch && entropy.length === entropy_rows * entropy_cols) {
      view.setEntropy(entropy, entropy_rows, entropy_cols);
    }
  } catch {
    tell("The entropy map could not be loaded; drawing works without it.", "warning");
  }
}

const clock = editorDocument.clock;
for (const type of ["pointerdown", "pointermove", "keydown", "wheel"]) {
  globalThis.addEventListener(type, () => editorDocument.patch && document.hasFocus() && clock.signOfLife(), { passive: true });
}
globalThis.addEventListener("blur", () => clock.pause());
document.addEventListener("visibilitychange", () => document.hidden && clock.pause());
new ResizeObserver(() => view.map.invalidateSize({ animate: false })).observe(view.container);

showSituation({ situation, document: editorDocument, labelling, projectUrl: root.dataset["projectUrl"] ?? "/" });
Object.assign(globalThis, { milpaEditor: { document: editorDocument } });
if (project.bounds) view.map.fitBounds([[project.bounds[1], project.bounds[0]], [project.bounds[3], project.bounds[2]]], { animate: false });
labelling.startClock();
void labelling.next(Number(new URLSearchParams(globalThis.location.search).get("patch")) || null);
