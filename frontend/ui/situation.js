/**
 * What the annotator is told about the patch's way to the server: the status line, what stands in the way, and why
 * there is no patch.
 *
 * @import {Labelling, Situation} from "../labelling.js"
 * @import {EditorDocument} from "../state/document.js"
 * @import {Store} from "../state/store.js"
 */
import { t, timeOf } from "../i18n.js";
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
    const text = statusLine(state, document, labelling.saving.isWaiting());
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
  labelling.parts.outbox.store.subscribe(refresh);
  document.subscribe((event) => {
    if (event.type !== "pixels") refresh();
  });
}

/**
 * @param {Situation} state
 * @param {EditorDocument} document
 * @param {boolean} isWaiting what is shown is in the outbox as a draft
 * @returns {string}
 */
function statusLine(state, document, isWaiting) {
  if (state.phase === "loading") return t("Loading the patch …");
  if (state.phase === "saving") return t("Saving …");
  if (state.phase === "idle" || !document.patch) return t("No patch on the table.");
  const held = state.heldUntil ? t("Yours until {time}.", { time: timeOf(state.heldUntil) }) : "";
  const way = state.isCutOff ? t("The server is out of reach; your strokes are kept in this browser.") : held;
  const saving = isWaiting ? t("The draft waits for the connection.") : savingLine(state, document);
  return `${saving} ${way}`.trim();
}

/**
 * @param {Situation} state
 * @param {EditorDocument} document
 */
function savingLine({ savedAt }, document) {
  if (document.isDirty()) return t("Not saved yet.");
  const number = document.baseNumber;
  if (number === 0) return t("Nothing drawn yet.");
  return savedAt
    ? t("Saved as revision {number} at {time}.", { number, time: timeOf(savedAt) })
    : t("Saved as revision {number}.", { number });
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
  const again = make("button", { type: "button", class: "button button--primary", onclick: () => labelling.next() }, t("Look again"));
  const overview = make("a", { class: "button", href: projectUrl }, t("Go to the overview"));
  const title = { "all-claimed": t("All patches are taken at this moment"), assigned: t("The rest is kept for others"), finished: t("Finished"), empty: t("No patches yet") }[idle.outcome];
  box.dataset["outcome"] = idle.outcome;
  box.append(make("h2", {}, title));
  if (idle.outcome === "all-claimed") {
    const sentences = [
      t("Other annotators hold every patch that is left."),
      idle.until && t("The first of them may come free at {time}.", { time: timeOf(idle.until) }),
      t("This page looks again by itself."),
    ];
    box.append(
      make("p", {}, sentences.filter(Boolean).join(" ")),
      make("div", { class: "row" }, again, overview),
    );
    return;
  }
  box.append(make("p", {}, idle.detail), make("div", { class: "row" }, overview, again));
}
