/**
 * One mask on its way to the server.
 *
 * @import {ApiError} from "../api/errors.js"
 * @import {ImageryProblem} from "../api/patch_masks.js"
 * @import {Patch, Revision} from "../api/types.js"
 * @import {Mask} from "../state/mask.js"
 */

/**
 * @typedef {object} Sending
 * @property {string} key person and `id`
 * @property {string} id the key under which the server does it once
 * @property {"submission" | "draft" | "bad-imagery"} kind after a draft, the person goes on with the patch
 * @property {{problem: ImageryProblem, comment: string} | null} report what is wrong with the imagery
 * @property {string} project slug
 * @property {Patch} patch
 * @property {Mask} mask
 * @property {number} baseNumber the revision that the mask grew from, 0 when there was none
 * @property {number} seconds
 * @property {number} strokes
 * @property {number | null} proposalId
 * @property {number} queuedAt milliseconds
 * @property {"waiting" | "conflict" | "refused"} state "conflict": somebody else saved first; "refused": the server
 *   will not take it as it is, because somebody else holds the patch, say
 * @property {string} detail the server's sentence, where it did not take the mask
 * @property {Revision | null} current what the server has instead
 * @property {boolean} [isHeldByAnother] somebody else draws the patch, or has submitted it
 *
 * @typedef {Pick<typeof import("../api/milpa.js"), "saveMask"> & Pick<typeof import("../api/patch_masks.js"), "reportImagery">} Asked
 */

/**
 * @param {Sending} sending
 * @param {Asked} api
 * @param {string} person the id of whoever drew it
 * @returns {Promise<{revision: Revision}>} what it has become
 */
export async function ask({ baseNumber, id, kind, mask, patch, proposalId, report, seconds, strokes }, api, person) {
  if (kind === "bad-imagery" && report) {
    return api.reportImagery(patch.id, { ...report, revision: baseNumber, seconds: Math.round(seconds) }, { idempotencyKey: id, person });
  }
  const submit = kind === "submission";
  return api.saveMask(patch.id, { mask, baseNumber, submit, seconds, strokes, proposalId, idempotencyKey: id, person });
}

/**
 * Whether the person is done with the patch.
 *
 * @param {Sending} sending
 */
export function isLast({ kind }) {
  return kind !== "draft";
}

/**
 * @param {Sending} one
 * @param {Sending} draft
 */
export function isAfter(one, draft) {
  return one.id !== draft.id && one.state === "waiting" && one.patch.id === draft.patch.id && one.baseNumber === draft.baseNumber;
}

/**
 * Whether the server has said no to this very mask: waiting would not help, and others may go out.
 *
 * @param {ApiError} error
 */
export function isDecision({ kind }) {
  return kind === "revision-conflict" || kind === "claim-lost" || kind === "refused";
}
