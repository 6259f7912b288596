/**
 * The review of one patch: imagery, proposal and revision side by side, and a verdict.
 *
 * @import {Patch, Project} from "./api/types.js"
 * @import {Mask} from "./state/mask.js"
 */
import { durationOf, percent, t, tn } from "./i18n.js";
import { explain } from "./api/errors.js";
import * as api from "./api/milpa.js";
import { readyScenes, sceneTitle } from "./map/imagery.js";
import { PatchView } from "./map/patch_view.js";
import { synchronise } from "./map/synchronise.js";
import { belongsToElement } from "./operations/chords.js";
import { asksForPoints, whereAnswered } from "./state/asked_points.js";
import { UNSURE, countChanged } from "./state/mask.js";
import { createTools, clampOpacity } from "./state/tools.js";
import { find, jsonOf, make, swatch } from "./ui/elements.js";
import { reportIn } from "./ui/imagery_report.js";
import { PageOperations } from "./ui/page_operations.js";
import { stateName } from "./ui/states.js";
import { ReviewPins } from "./ui/review_pins.js";
import { ReviewSwipe } from "./ui/review_swipe.js";
import { tell } from "./ui/toasts.js";

/** @type {Project} */
const project = jsonOf("project");
/** @type {Patch} */
let patch = jsonOf("patch");
const page = find(".review");
const scenes = readyScenes(project.scenes);
const tools = createTools(project.legend, globalThis.localStorage ?? null);
/** @type {{proposal: Mask | null, revision: Mask | null}} */
const masks = { proposal: null, revision: null };
let isDifferenceShown = false;
let isLeaving = false;
let isBusy = false;

const views = {
  imagery: new PatchView(find("#view-imagery"), project.legend, { isAlone: false }),
  proposal: new PatchView(find("#view-proposal"), project.legend, { isAlone: false, maskOf: () => masks.proposal }),
  revision: new PatchView(find("#view-revision"), project.legend, { isAlone: false, maskOf: () => masks.revision }),
};
const all = Object.values(views);
const pins = new ReviewPins(all, refresh);
const swipe = new ReviewSwipe(all);
const comment = /** @type {HTMLTextAreaElement} */ (find("#comment"));

const operations = new PageOperations(
  [
    { id: "approve", keys: ["A"], why: whyNoVerdict, run: () => decide("approve") },
    { id: "return", keys: ["R"], why: whyNoVerdict, run: returnPatch },
    { id: "fix", keys: ["F"], why: whyNoVerdict, run: fix },
    { id: "next", keys: ["J"], run: () => goOn(1) },
    { id: "previous", keys: ["K"], run: () => goOn(-1) },
    { id: "pin", keys: ["P"], why: whyNoVerdict, run: () => pins.toggle(), isOn: () => pins.isPlacing },
    { id: "swipe", keys: ["S"], why: whyNoComparison, run: () => (swipe.toggle(), refresh()), isOn: () => swipe.isOn },
    { id: "difference", keys: ["X"], why: whyNoComparison, run: toggleDifference, isOn: () => isDifferenceShown },
    {
      id: "entropy",
      keys: ["E"],
      why: () => (patch.proposal ? null : t("This patch has no proposal.")),
      run: () => tools.set({ isEntropyShown: !tools.state.isEntropyShown }),
      isOn: () => tools.state.isEntropyShown,
    },
    { id: "hide", keys: ["H"], run: () => tools.set({ isMaskHidden: !tools.state.isMaskHidden }), isOn: () => tools.state.isMaskHidden },
    { id: "fainter", label: t("Fainter mask"), keys: [","], run: () => tools.set({ opacity: clampOpacity(tools.state.opacity - 0.1), isMaskHidden: false }) },
    { id: "stronger", label: t("Stronger mask"), keys: ["."], run: () => tools.set({ opacity: clampOpacity(tools.state.opacity + 0.1), isMaskHidden: false }) },
    { id: "scene", keys: ["D"], why: () => (scenes.length > 1 ? null : t("The project has one scene only.")), run: nextScene },
  ],
  { name: "review", person: page.dataset["user"] ?? "anyone", press },
);

/**
 * The fields, the cross of a pinned comment and the swipe have keys of their own.
 *
 * @param {string} chord
 * @param {KeyboardEvent} event
 * @returns {boolean} whether the key was theirs
 */
function press(chord, { target }) {
  if (target === comment && chord === "Ctrl+Enter") operations.run("return");
  if (target === comment && chord === "Escape") comment.blur();
  if (target === pins.field && chord === "Enter") pins.add();
  if (target === pins.field && chord === "Escape") pins.leave();
  return !belongsToElement(target, chord) && (pins.press(chord) || swipe.press(chord));
}

function whyNoComparison() {
  return masks.proposal && masks.revision ? null : t("There is nothing to compare.");
}

function whyNoVerdict() {
  if (!patch.revision) return t("Nobody has drawn anything on this patch yet.");
  return patch.state === "submitted" ? null : t("This patch is {state}; only a submitted one is decided on.", { state: stateName(patch.state) });
}

function returnPatch() {
  if (comment.value.trim() || pins.all.length) return decide("return");
  comment.focus();
  comment.setAttribute("aria-invalid", "true");
  tell(t("Say what has to change; the comment reaches the annotator. Ctrl+Enter sends it."));
  return undefined;
}

/** @param {"approve" | "return"} verdict */
async function decide(verdict) {
  const { revision } = patch;
  if (!revision || isBusy) return;
  isBusy = true;
  document.body.dataset["state"] = "saving";
  try {
    patch = await api.reviewPatch(patch.id, verdict, comment.value.trim(), revision.number, verdict === "return" ? pins.all : []);
    tell(verdict === "approve" ? t("Approved.") : t("Returned to the annotator."), "success");
    await goOn(1);
  } catch (error) {
    showProblem(error);
  } finally {
    isBusy = false;
    refresh();
  }
}

/** @param {unknown} error */
function showProblem(error) {
  const { title, sentence } = explain(error);
  find("#problem").replaceChildren(make("strong", {}, title), " ", sentence);
  find("#problem").hidden = false;
  document.body.dataset["state"] = "error";
}

/** The reviewer draws the next revision, from the one that was submitted. */
async function fix() {
  const { revision } = patch;
  if (!revision || isLeaving) return;
  isLeaving = true;
  try {
    await api.fixPatch(patch.id, revision.number);
    globalThis.location.assign(`/projects/${project.slug}/annotate/?patch=${patch.id}`);
  } catch (error) {
    isLeaving = false;
    showProblem(error);
  }
}

/**
 * To the next of the list that is gone through, or to the one before. The list begins again at its end: what was passed
 * over is there. The place is that which the patch had when it was opened.
 *
 * @param {1 | -1} way
 */
async function goOn(way) {
  const { walk = "", place = "", list = "" } = page.dataset;
  try {
    let { results } = await api.listDesk(project.slug, walk, `${way > 0 ? "n" : "p"}${place}`);
    if (way < 0 && !results.length) return tell(t("This is the first one."));
    if (!results.length) ({ results } = await api.listDesk(project.slug, walk));
    const others = results.filter(({ id }) => id !== patch.id);
    const next = way > 0 ? others[0] : others.at(-1);
    const query = list.includes("?") ? `?${walk}` : "";
    globalThis.location.assign(next ? `/projects/${project.slug}/review/${next.id}/${query}` : list);
  } catch {
    globalThis.location.assign(list);
  }
  return undefined;
}

/** What the revision is compared with: where points are asked for, nobody looked at the rest of the proposal. */
function comparedProposal() {
  const { proposal, revision } = masks;
  return proposal && revision && asksForPoints(patch) ? whereAnswered(proposal, revision) : proposal;
}

function toggleDifference() {
  isDifferenceShown = !isDifferenceShown;
  views.revision.setDifference(isDifferenceShown ? comparedProposal() : null, masks.revision);
  refresh();
}

function nextScene() {
  const index = scenes.findIndex(({ id }) => id === tools.state.sceneId);
  tools.set({ sceneId: scenes[(index + 1) % scenes.length]?.id ?? null });
}

function refresh() {
  operations.refresh();
}

/** The work of all saves together. */
async function showEffort() {
  const { events, revisions } = await api.getHistory(patch.id);
  const report = reportIn(events, patch.revision?.number ?? 0);
  if (report) find("#changed").closest("dl")?.append(make("dt", {}, t("Bad imagery")), make("dd", { id: "imagery-report" }, report));
  const kept = revisions.filter((one) => !one.is_conflicting);
  const seconds = kept.reduce((sum, one) => sum + (one.seconds_spent ?? 0), 0);
  const strokes = kept.reduce((sum, one) => sum + (one.stroke_count ?? 0), 0);
  find("#time-spent").textContent = tn("{duration}, {count} stroke", "{duration}, {count} strokes", strokes, { duration: durationOf(seconds) });
}

async function load() {
  for (const view of all) view.showPatch(patch);
  synchronise(all);
  const { proposal, revision } = patch;
  if (revision) void showEffort();
  [masks.proposal, masks.revision] = await Promise.all([
    proposal && api.fetchMask(proposal.mask_url),
    revision && api.fetchMask(revision.mask_url),
  ]);
  for (const view of all) view.redraw();
  const compared = comparedProposal();
  if (compared && masks.revision) {
    const changed = countChanged(compared, masks.revision);
    const asked = asksForPoints(patch) ? masks.revision.filter((value) => value !== UNSURE).length : masks.revision.length;
    find("#changed").textContent = tn("{count} pixel ({share})", "{count} pixels ({share})", changed, { share: percent(changed / Math.max(1, asked), 1) });
  }
  refresh();
  if (proposal) views.proposal.setEntropy(await api.fetchEntropy(proposal.entropy_url), proposal.entropy_rows, proposal.entropy_cols);
}

for (const one of project.legend) find("#legend").append(make("li", {}, swatch(one), `${one.value} ${one.name}`));
find("#legend").append(make("li", {}, swatch({ value: 255, color: "", is_null: false }), t("unsure")));
comment.addEventListener("input", () => comment.removeAttribute("aria-invalid"));

tools.subscribe((state, changed) => {
  for (const view of all) view.setVisibility(state);
  const scene = "sceneId" in changed && scenes.find(({ id }) => id === state.sceneId);
  if (scene) {
    for (const view of all) view.showScene(scene, patch.z);
    find("#scene-title").textContent = sceneTitle(scene);
  }
  refresh();
});
tools.set({ sceneId: (scenes.find(({ id }) => id === patch.proposal?.scene) ?? scenes[0])?.id ?? null });

document.body.dataset["state"] = "loading";
load().then(
  () => (document.body.dataset["state"] = "ready"),
  (error) => {
    const { title, sentence } = explain(error);
    find("#problem").replaceChildren(make("strong", {}, title), " ", sentence, " ", t("Reload the page to try again."));
    find("#problem").hidden = false;
    document.body.dataset["state"] = "error";
  },
);
