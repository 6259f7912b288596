/**
 * Why this patch lies in front of the annotator, in a sentence.
 *
 * @import {Patch} from "../api/types.js"
 */
import { percent, t } from "../i18n.js";

/**
 * @param {Patch} patch
 * @returns {string | null} null where the queue says nothing
 */
export function whyThisPatch({ queue, proposal, review }) {
  if (!queue) return null;
  const unsure = proposal ? percent(proposal.mean_entropy_nats / proposal.entropy_max_nats) : null;
  if (queue.reason === "entropy" && unsure) return t("The model is {share} unsure here, more than on the patches that still wait.", { share: unsure });
  if (queue.reason === "novelty") return t("It looks unlike all that has been labelled so far.");
  if (queue.reason === "audit") return t("Drawn by chance: such patches keep the accuracy figures honest.");
  if (queue.reason === "returned" && review) return t("{reviewer} returned it with a comment.", { reviewer: review.reviewer });
  return queue.reason_text;
}

/**
 * The sentence with the figures behind it.
 *
 * @param {Patch} patch
 * @returns {string | null}
 */
export function whyInFull(patch) {
  const why = whyThisPatch(patch);
  const figures = patch.queue?.explanation;
  if (!why || !figures) return why;
  return figures.startsWith(why) ? figures : `${why} (${figures})`;
}
