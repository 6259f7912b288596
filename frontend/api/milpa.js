/**
 * The verbs of the API, one function each.
 *
 * @import {Claim, Job, Patch, PatchPage, Percentage, Pin, Revision, Run, Saved} from "./types.js"
 * @import {Mask} from "../state/mask.js"
 */
import { t } from "../i18n.js";
import { PIXEL_COUNT } from "../state/mask.js";
import { ApiError } from "./errors.js";
import { gzip, requestBytes, requestJson } from "./http.js";

const ROOT = "/api/v1/";

/**
 * @typedef {object} Claiming
 * @property {number | null} patchId claim this very patch
 * @property {number[]} besides patches that are not asked for, though the person may hold them
 * @property {Lease} [lease]
 *
 * @typedef {"work" | "ahead"} Lease "ahead": for a patch that is loaded while another one is drawn, so only short
 *
 * @typedef {import("./http.js").RequestOptions} RequestOptions
 */

/**
 * The next patch of the queue, or the one that is held already.
 *
 * @param {string} projectSlug
 * @param {Claiming} claiming
 * @param {Pick<RequestOptions, "timeoutMs" | "pausesMs">} [how]
 * @returns {Promise<Claim>}
 */
export function claimPatch(projectSlug, { patchId, besides, lease = "work" }, how = {}) {
  const json = patchId === null ? { besides, lease } : { patch: patchId };
  return requestJson(`${ROOT}projects/${projectSlug}/claims/`, { method: "POST", json, isRepeatable: true, ...how });
}

/**
 * Patches for a day without a connection, those that are held already among them.
 *
 * @param {string} projectSlug
 * @param {number} count
 * @returns {Promise<{patches: number[]}>} their ids
 */
export function claimForField(projectSlug, count) {
  return requestJson(`${ROOT}projects/${projectSlug}/field-claims/`, { method: "POST", json: { count }, isRepeatable: true });
}

/**
 * @param {number} patchId
 * @returns {Promise<Patch>}
 */
export function getPatch(patchId) {
  return requestJson(`${ROOT}patches/${patchId}/`);
}

/**
 * @param {number} patchId
 * @param {Lease} [lease]
 * @returns {Promise<{expires_at: string}>}
 */
export function sendHeartbeat(patchId, lease = "work") {
  return requestJson(`${ROOT}patches/${patchId}/heartbeat/`, { method: "POST", json: { lease }, isRepeatable: true });
}

/**
 * @param {number} patchId
 * @param {{isSkipped?: boolean, isLeaving?: boolean}} [how] `isSkipped`: the person wants other patches first;
 *   `isLeaving`: the page may be gone before the answer comes
 */
export function releasePatch(patchId, { isSkipped = true, isLeaving = false } = {}) {
  const json = { skipped: isSkipped };
  return requestJson(`${ROOT}patches/${patchId}/release/`, { method: "POST", json, isLeaving });
}

/**
 * @typedef {object} SaveRequest
 * @property {Mask} mask
 * @property {number} baseNumber the revision that the mask grew from, 0 when there was none
 * @property {boolean} submit
 * @property {number} seconds in focus since the last save
 * @property {number} strokes since the last save
 * @property {number | null} proposalId
 * @property {string} idempotencyKey the same for each further try of one save
 * @property {string} person the id of whoever drew it
 */

/**
 * @param {number} patchId
 * @param {SaveRequest} save
 * @param {Pick<RequestOptions, "timeoutMs" | "pausesMs">} [how]
 * @returns {Promise<Saved>}
 */
export async function saveMask(patchId, save, how = {}) {
  const query = new URLSearchParams({
    submit: save.submit ? "1" : "0",
    seconds: String(Math.round(save.seconds)),
    strokes: String(save.strokes),
  });
  if (save.proposalId !== null) query.set("proposal", String(save.proposalId));
  return requestJson(`${ROOT}patches/${patchId}/mask/?${query}`, {
    method: "PUT",
    body: await gzip(save.mask),
    headers: {
      "Content-Type": "application/octet-stream",
      "Content-Encoding": "gzip",
      "If-Match": `"${save.baseNumber}"`,
      "Idempotency-Key": save.idempotencyKey,
      "Milpa-Person": save.person,
    },
    isRepeatable: true,
    ...how,
  });
}

/**
 * @param {string} url a proposal's or a revision's mask
 * @returns {Promise<Mask>}
 */
export async function fetchMask(url) {
  const mask = await requestBytes(url);
  if (mask.length !== PIXEL_COUNT) {
    throw new ApiError("bad-answer", t("The mask has {size} bytes instead of {expected}.", { size: mask.length, expected: PIXEL_COUNT }));
  }
  return mask;
}

/**
 * @param {string} url
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export function fetchEntropy(url) {
  return requestBytes(url);
}

/**
 * @param {string} url
 * @returns {Promise<Uint8Array<ArrayBuffer>>} an image file
 */
export function fetchTile(url) {
  return requestBytes(url);
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export function fetchVectorTile(url, signal) {
  return requestBytes(url, { signal });
}

/**
 * @param {number} patchId
 * @param {"approve" | "return"} verdict
 * @param {string} comment
 * @param {number} revisionNumber
 * @param {{x: number, y: number, text: string}[]} [pins] comments on places
 * @returns {Promise<Patch>}
 */
export function reviewPatch(patchId, verdict, comment, revisionNumber, pins = []) {
  const json = { verdict, comment, revision: revisionNumber, pins };
  return requestJson(`${ROOT}patches/${patchId}/review/`, { method: "POST", json });
}

/**
 * Takes a submitted patch over, to draw its next revision oneself.
 *
 * @param {number} patchId
 * @param {number} revisionNumber
 * @returns {Promise<Patch>}
 */
export function fixPatch(patchId, revisionNumber) {
  return requestJson(`${ROOT}patches/${patchId}/fix/`, { method: "POST", json: { revision: revisionNumber } });
}

/**
 * @param {number} pinId
 * @param {string} text
 * @returns {Promise<Pin>}
 */
export function answerPin(pinId, text) {
  return requestJson(`${ROOT}pins/${pinId}/answer/`, { method: "POST", json: { text } });
}

/**
 * @param {number} pinId
 * @returns {Promise<Pin>}
 */
export function resolvePin(pinId) {
  return requestJson(`${ROOT}pins/${pinId}/resolve/`, { method: "POST", json: {} });
}

/**
 * Decides between two masks of a patch.
 *
 * @param {number} patchId
 * @param {{decision: "first" | "second", redraws: boolean, comment: string}} json `redraws`: the patch is the
 *   reviewer's own to draw, from that mask
 * @returns {Promise<Patch>}
 */
export function adjudicate(patchId, json) {
  return requestJson(`${ROOT}patches/${patchId}/adjudication/`, { method: "POST", json });
}

/**
 * @param {string} projectSlug
 * @param {string} query the filter of the desk
 * @param {string} [cursor] a place in the list, from its beginning otherwise
 * @returns {Promise<PatchPage>} two patches at most
 */
export function listDesk(projectSlug, query, cursor = "") {
  const from = cursor && `&cursor=${encodeURIComponent(cursor)}`;
  return requestJson(`${ROOT}projects/${projectSlug}/desk/?${query}&page_size=2${from}`);
}

/**
 * @param {number} patchId
 * @returns {Promise<{events: object[], revisions: Revision[]}>}
 */
export function getHistory(patchId) {
  return requestJson(`${ROOT}patches/${patchId}/history/`);
}

/**
 * @param {string} jobId
 * @returns {Promise<Job>}
 */
export function getInferenceJob(jobId) {
  return requestJson(`${ROOT}inference-jobs/${jobId}/`);
}

/**
 * @param {string} runId
 * @returns {Promise<Run>}
 */
export function getTrainingRun(runId) {
  return requestJson(`${ROOT}training-runs/${runId}/`);
}

/**
 * A job by the address that the page names.
 *
 * @param {string} url
 * @returns {Promise<Job>}
 */
export function getJob(url) {
  return requestJson(url);
}

/**
 * What tells how far it is in per cent, by the address that the page names.
 *
 * @param {string} url
 * @returns {Promise<Percentage>}
 */
export function getPercentage(url) {
  return requestJson(url);
}

/**
 * Any action that a page names by its address.
 *
 * @param {string} url
 * @param {unknown} json
 * @param {string} idempotencyKey
 * @returns {Promise<any>}
 */
export function postAction(url, json, idempotencyKey) {
  return requestJson(url, { method: "POST", json, headers: { "Idempotency-Key": idempotencyKey } });
}
