/**
 * Keeps the progress of inference jobs, training runs and other jobs up to date.
 *
 * A <progress data-job-id="…">, <progress data-run-id="…"> or, with the address that tells of the job,
 * <progress data-job-url="…"> (of patches) or <progress data-percent-url="…"> lies in a .progress-line, whose .badge
 * and whose text (.progress-text, or .small.muted) are updated too. When it ends, the page is loaded anew: other
 * things on it have changed as well.
 *
 * @import {Job, Run, Percentage} from "../api/types.js"
 */
import { number, t } from "../i18n.js";
import { stateName } from "./states.js";
import { getInferenceJob, getJob, getPercentage, getTrainingRun } from "../api/milpa.js";

const EVERY_MS = 2000;
const SLOWEST_MS = 30_000;

/** @param {ParentNode} [root] */
export function followProgress(root = document) {
  for (const element of root.querySelectorAll("[data-job-id]")) {
    follow(element, () => getInferenceJob(idOf(element, "jobId")), jobText);
  }
  for (const element of root.querySelectorAll("[data-run-id]")) {
    follow(element, () => getTrainingRun(idOf(element, "runId")), runText);
  }
  for (const element of root.querySelectorAll("[data-job-url]")) {
    follow(element, () => getJob(idOf(element, "jobUrl")), jobText);
  }
  for (const element of root.querySelectorAll("[data-percent-url]")) {
    follow(element, () => getPercentage(idOf(element, "percentUrl")), percentText);
  }
}

/**
 * @param {Element} element
 * @param {"jobId" | "runId" | "jobUrl" | "percentUrl"} name
 */
function idOf(element, name) {
  return (element instanceof HTMLElement && element.dataset[name]) || "";
}

/**
 * @template {Job | Run | Percentage} T
 * @param {Element} element
 * @param {() => Promise<T>} get
 * @param {(state: T) => {done: number, total: number, text: string}} textOf
 */
async function follow(element, get, textOf) {
  const line = element.closest(".progress-line") ?? element;
  const bar = /** @type {HTMLProgressElement | null} */ (element.matches("progress") ? element : element.querySelector("progress"));
  const text = line.querySelector(".progress-text, .small.muted");
  const badge = line.querySelector(".badge");
  let pauseMs = EVERY_MS;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (document.hidden) continue;
    if (!element.isConnected) return;
    try {
      const state = await get();
      const shown = textOf(state);
      if (bar) {
        bar.max = Math.max(1, shown.total);
        bar.value = shown.done;
      }
      if (text) text.textContent = shown.text;
      if (badge) {
        badge.className = `badge badge--${state.state}`;
        badge.textContent = stateName(state.state);
      }
      pauseMs = EVERY_MS;
      if (!state.is_active) {
        globalThis.location.reload();
        return;
      }
    } catch {
      pauseMs = Math.min(SLOWEST_MS, pauseMs * 2);
      if (text) text.textContent = t("The server cannot be asked now; this page tries again.");
    }
  }
}

/** @param {Job} job */
function jobText({ done, total, message }) {
  const text = t("{done} of {total} patches", { done: number(done), total: number(total) });
  return { done, total, text: message ? `${text}. ${message}` : text };
}

/** @param {Run} run */
function runText({ step, steps, state, message }) {
  const text = state === "evaluating" ? t("measuring the candidate") : t("{done} of {total} steps", { done: number(step), total: number(steps) });
  return { done: step, total: steps, text: message ? `${text}. ${message}` : text };
}

/** @param {Percentage} job */
function percentText({ percent, message }) {
  const text = `${number(percent)} %`;
  return { done: percent, total: 100, text: message ? `${text}. ${message}` : text };
}
