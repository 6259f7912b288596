/**
 * Saying that nothing can be drawn on a patch because of its imagery, and why.
 *
 * @import {ImageryProblem} from "../api/patch_masks.js"
 */
import { t } from "../i18n.js";
import { ask } from "./dialogs.js";
import { make } from "./elements.js";
import { tell } from "./toasts.js";

/** @typedef {{problem: ImageryProblem, comment: string}} ImageryReport */

/** @returns {Record<ImageryProblem, string>} */
export function imageryProblems() {
  return {
    cloud: t("Clouds or their shadows"),
    haze: t("Hazy, blurred or noisy"),
    missing: t("The imagery is missing here"),
    offset: t("The imagery is shifted"),
    season: t("The season does not show the fields"),
    other: t("Something else"),
  };
}

/**
 * @param {object[]} events of the patch
 * @param {number} revision
 * @returns {string | null} what that revision says of the imagery
 */
export function reportIn(events, revision) {
  for (const event of /** @type {{verb: string, facts: {revision?: number, problem?: ImageryProblem, comment?: string}}[]} */ (events)) {
    const { revision: number, problem, comment } = event.facts;
    if (event.verb !== "imagery reported" || number !== revision || !problem) continue;
    return [imageryProblems()[problem], comment].filter(Boolean).join(": ");
  }
  return null;
}

/** @returns {Promise<ImageryReport | null>} null where the person thought better of it */
export async function askImageryReport() {
  const comment = make("textarea", { id: "imagery-comment", rows: "3" });
  const radios = Object.entries(imageryProblems()).map(([value, label], i) =>
    make("label", { class: "radio-row" }, make("input", { type: "radio", name: "imagery-problem", value, checked: i === 0 }), label),
  );
  const problems = make("fieldset", { class: "imagery-problems" }, make("legend", {}, t("What is wrong?")), ...radios);
  for (;;) {
    const answer = await ask({
      title: t("Bad imagery"),
      body: [
        make("p", {}, t("The whole patch is submitted as unsure, and a reviewer reads why. If only a part is bad, paint that part unsure instead.")),
        problems,
        make("div", { class: "field" }, make("label", { for: "imagery-comment" }, t("Comment")), comment),
      ],
      choices: [
        { value: "report", label: t("Submit as bad imagery"), isPrimary: true },
        { value: "cancel", label: t("Cancel") },
      ],
      onEscape: "cancel",
    });
    if (answer === "cancel") return null;
    const checked = problems.querySelector("input:checked");
    const problem = /** @type {ImageryProblem} */ (checked instanceof HTMLInputElement ? checked.value : "other");
    const words = comment.value.trim();
    if (problem !== "other" || words) return { problem, comment: words };
    tell(t("Say in the comment what is wrong."), "warning");
  }
}
