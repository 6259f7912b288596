/**
 * Masks to draw by, and the answer that the imagery is bad.
 *
 * @import {Revision} from "./types.js"
 */
import { requestJson } from "./http.js";

const ROOT = "/api/v1/patches/";

/**
 * @typedef {object} ListedProposal
 * @property {number} id
 * @property {string} mask_url
 * @property {number} scene
 * @property {string} scene_name
 * @property {string | null} acquired_on
 * @property {number} model_version
 *
 * @typedef {{revisions: Revision[], proposals: ListedProposal[]}} ListedMasks
 * @typedef {"cloud" | "haze" | "missing" | "offset" | "season" | "other"} ImageryProblem
 */

/**
 * @param {number} patchId
 * @returns {Promise<{results: {dx: number, dy: number, patch: number, mask_url: string}[]}>} approved masks around it
 */
export function listNeighbours(patchId) {
  return requestJson(`${ROOT}${patchId}/neighbours/`);
}

/**
 * @param {number} patchId
 * @returns {Promise<ListedMasks>} the revisions that the person may see, and the proposals of every date
 */
export function listMasks(patchId) {
  return requestJson(`${ROOT}${patchId}/masks/`);
}

/**
 * @param {number} patchId
 * @param {{problem: ImageryProblem, comment: string, revision: number, seconds: number}} report
 * @param {{idempotencyKey: string, person: string}} how `person`: the id of whoever says so
 * @returns {Promise<{revision: Revision}>}
 */
export function reportImagery(patchId, report, { idempotencyKey, person }) {
  const headers = { "Idempotency-Key": idempotencyKey, "Milpa-Person": person };
  return requestJson(`${ROOT}${patchId}/bad-imagery/`, { method: "POST", json: report, headers, isRepeatable: true });
}
