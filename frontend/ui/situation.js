/**
 * What the annotator is told about the patch's way to the server: the status line, what stands in the way, and why
 * there is no patch.
 *
 * @import {Labelling, Situation} from "../labelling.js"
 * @import {EditorDocument} from "../state/document.js"
 * @import {Store} from "../state/store.js"
 */
import { timeOf } from "../labelling.js";
import { find, make } from "./elements.js";

/**
 * @param {object} parts
 * @param {Store<Situation>} parts.situation
 * @param {EditorDocument} parts.document
 * @param {Labelling} parts.labelling
 * @param {string} parts.projectUrl
 */
export function showSituation({ situation, document, labelling, projectUrl }) {
  const refresh = () => {
    const state = situation.state;
    const text = statusLine(state, document);
    const line = find("#status");
    if (line.textContent !== text) line.textContent = text;
    line.dataset["tone"] = state.phase === "error" || state.isCutOff ? "warning" : document.isDirty() ? "unsaved" : "calm";
  };
  situation.subscribe((state, changed) => {
    if ("notice" in changed) showNotice(state);
    if ("idle" in changed || "phase" in changed) showIdle(state, labelling, projectUrl);
    find("#loading").hidden = state.phase !== "loading";
    refresh();
  });
  document.subscribe((event) => {
    if (event.type !== "pixels") refresh();
  });
}

/**
 * @param {Situation} state
 * @param {EditorDocument} document
 * @returns {string}
 */
function statusLine(state, document) {
  if (state.phase === "loading") return "Loading the patch …";
  if (state.phase === "saving") return "Saving …";
  if (state.phase === "idle" || !document.patch) return "No patch on the table.";
  const kept = state.isCutOff ? " The server is out of reach; your strokes are kept in this browser." : "";
  const held = state.heldUntil ? ` Yours until ${timeOf(state.heldUntil)}.` : "";
  if (document.isDirty()) return `Not saved yet.${kept || held}`;
  if (document.baseNumber === 0) return `Nothing drawn yet.${kept || held}`;
  return `Saved as revision ${document.baseNumber}${state.savedAt ? ` at ${timeOf(state.savedAt)}` : ""}.${kept || held}`;
}

/** @param {Situation} state */
function showNotice({ notice }) {
  const box = find("#notice");
  box.hidden = !notice;
  box.replaceChildren();
  if (!notice) return;
  const ways = notice.ways.map(({ label, run, href }, i) => {
    const look = `button button--small${i === 0 ? " button--primary" : ""}`;
    return href
      ? make("a", { class: look, href, target: "_blank", rel: "noopener" }, label)
      : make("button", { type: "button", class: look, onclick: () => run?.() }, label);
  });
  box.append(make("strong", {}, notice.title), make("p", {}, notice.sentence), make("div", { class: "row" }, ...ways));
}

/**
 * @param {Situation} state
 * @param {Labelling} labelling
 * @param {string} projectUrl
 */
function showIdle({ phase, idle }, labelling, projectUrl) {
  const box = find("#idle");
  box.hidden = phase !== "idle" || !idle;
  box.replaceChildren();
  if (!idle || box.hidden) return;
  const again = make("button", { type: "button", class: "button button--primary", onclick: () => labelling.next() }, "Look again");
  const overview = make("a", { class: "button", href: projectUrl }, "Go to the overview");
  const title = { "all-claimed": "All patches are taken at this moment", finished: "Finished", empty: "No patches yet" }[idle.outcome];
  box.dataset["outcome"] = idle.outcome;
  box.append(make("h2", {}, title));
  if (idle.outcome === "all-claimed") {
    const until = idle.until ? ` The first of them may come free at ${timeOf(idle.until)}.` : "";
    box.append(
      make("p", {}, `Other annotators hold every patch that is left.${until} This page looks again by itself.`),
      make("div", { class: "row" }, again, overview),
    );
    return;
  }
  box.append(make("p", {}, idle.detail), make("div", { class: "row" }, overview, again));
}
