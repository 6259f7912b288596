/**
 * The page around the map: its panels, what journeys read on it, and how it hears that the person or the connection
 * comes and goes.
 *
 * @import {OperationButton} from "../ui/buttons.js"
 * @import {Exchange} from "./exchange.js"
 * @import {Workplace} from "./workplace.js"
 */
import { showField } from "../ui/field_panel.js";
import { showOutbox } from "../ui/outbox_panel.js";
import { guideThroughPoints } from "../ui/points_bar.js";
import { showSituation } from "../ui/situation.js";
import { showWork } from "../ui/work.js";

/**
 * @param {Workplace} workplace
 * @param {OperationButton[]} buttons
 */
export function refreshPage({ document, root, situation }, buttons) {
  for (const button of buttons) button.refresh();
  root.dataset["state"] = situation.state.phase;
  root.dataset["patchId"] = String(document.patch?.id ?? "");
  root.dataset["revision"] = String(document.patch ? document.baseNumber : "");
  root.dataset["dirty"] = String(document.isDirty());
}

/**
 * Time at a patch counts while the page has the focus and the person does something; the map keeps to its place.
 *
 * @param {Workplace} workplace
 */
export function watchFocusAndSize({ document: editorDocument, view }) {
  const { clock } = editorDocument;
  for (const type of ["pointerdown", "pointermove", "keydown", "wheel"]) {
    globalThis.addEventListener(type, () => editorDocument.patch && document.hasFocus() && clock.signOfLife(), { passive: true });
  }
  globalThis.addEventListener("blur", () => clock.pause());
  document.addEventListener("visibilitychange", () => document.hidden && clock.pause());
  new ResizeObserver(() => view.map.invalidateSize({ animate: false })).observe(view.container);
}

/**
 * @param {Workplace} workplace
 * @param {Exchange} exchange
 */
export function showPanels(workplace, { askWhichMask, field, labelling, outbox }) {
  const { document, nameOf, points, project, root, situation, tools, view } = workplace;
  guideThroughPoints({ points, tools, view, document, nameOf });
  showWork({ document, tools, legend: project.legend });
  showSituation({ situation, document, labelling, projectUrl: root.dataset["projectUrl"] ?? "/" });
  showBounds(workplace);
  showOutbox(outbox, (sending, conflict) => askWhichMask(sending.patch, conflict));
  showField(field, () => document.patch?.id ?? null);
  outbox.store.subscribe(() => void field.look());
}

/** @param {Workplace} workplace */
function showBounds({ project: { bounds }, view }) {
  if (!bounds) return;
  const [west, south, east, north] = bounds;
  view.map.fitBounds([[south, west], [north, east]], { animate: false });
}

/**
 * @param {Workplace} workplace
 * @param {Exchange} exchange
 */
export function listenToComingAndGoing({ document }, { outbox, supply }) {
  globalThis.addEventListener("online", () => outbox.wake());
  globalThis.addEventListener("focus", () => outbox.wake());
  globalThis.addEventListener("beforeunload", (event) => outbox.hasUnkept() && event.preventDefault());
  globalThis.addEventListener("pagehide", () => {
    // A stroke under way is a step, too.
    document.endStroke();
    supply.leave();
  });
}
