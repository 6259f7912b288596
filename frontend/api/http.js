/** The one place that calls `fetch`: session cookie, CSRF, time limits, retries and typed errors. */
import { t } from "../i18n.js";
import { ApiError, errorOf } from "./errors.js";

const TIMEOUT_MS = 20_000;
const PAUSES_MS = [400, 1500];

/**
 * @typedef {object} RequestOptions
 * @property {string} [method]
 * @property {unknown} [json] sent as JSON
 * @property {BodyInit} [body] sent as it is
 * @property {Record<string, string>} [headers]
 * @property {number} [timeoutMs]
 * @property {AbortSignal} [signal]
 * @property {boolean} [isRepeatable] may be sent again after a passing failure; reads always are
 * @property {number[]} [pausesMs] how long to wait before each further try
 * @property {boolean} [isLeaving] goes out even though the page is being closed
 */

/**
 * @param {string} url
 * @param {RequestOptions} [options]
 * @returns {Promise<Response>} a response that succeeded
 */
export async function request(url, options = {}) {
  const method = options.method ?? "GET";
  const mayRepeat = method === "GET" || options.isRepeatable;
  // Where the browser knows that there is no connection, a second try tells nothing new.
  const pausesMs = mayRepeat && globalThis.navigator?.onLine !== false ? (options.pausesMs ?? PAUSES_MS) : [];
  for (let attempt = 0; ; attempt++) {
    try {
      return await requestOnce(url, method, options);
    } catch (error) {
      const pause = pausesMs[attempt];
      const isPassing = error instanceof ApiError && error.isPassing() && (error.retryAfterS ?? 0) < 3;
      if (!isPassing || pause === undefined) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/**
 * @param {string} url
 * @param {string} method
 * @param {RequestOptions} options
 * @returns {Promise<Response>}
 */
async function requestOnce(url, method, options) {
  const headers = new Headers({ Accept: "application/json, application/problem+json, */*", ...options.headers });
  if (method !== "GET") headers.set("X-CSRFToken", csrfToken());
  let body = options.body ?? null;
  if (options.json !== undefined) {
    headers.set("Content-Type", "application/json");
    body = JSON.stringify(options.json);
  }
  const limit = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([limit, options.signal]) : limit;
  let response;
  try {
    response = await fetch(url, { method, headers, body, signal, credentials: "same-origin", keepalive: options.isLeaving ?? false });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (limit.aborted) throw new ApiError("timeout", "The server did not answer in time.");
    throw new ApiError("offline", "The server cannot be reached.");
  }
  if (response.redirected && new URL(response.url).pathname.startsWith("/login")) {
    throw new ApiError("signed-out", "You are signed out.", { status: 401 });
  }
  if (!response.ok) throw errorOf(response.status, await problemIn(response), retryAfter(response));
  return response;
}

/**
 * @param {string} url
 * @param {RequestOptions} [options]
 * @returns {Promise<any>} the JSON of the answer, null when it has none
 */
export async function requestJson(url, options = {}) {
  const response = await request(url, options);
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch {
    throw new ApiError("bad-answer", t("The answer is not JSON."), { status: response.status });
  }
}

/**
 * @param {string} url
 * @param {RequestOptions} [options]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function requestBytes(url, options = {}) {
  const response = await request(url, options);
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new ApiError("offline", "The connection broke off.");
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function gzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Read anew for each request: signing in again changes it. */
function csrfToken() {
  return /(?:^|;\s*)csrftoken=([^;]+)/.exec(globalThis.document?.cookie ?? "")?.[1] ?? "";
}

/**
 * @param {Response} response
 * @returns {Promise<Record<string, any>>}
 */
async function problemIn(response) {
  try {
    const body = await response.json();
    return typeof body === "object" && body !== null ? body : {};
  } catch {
    return {};
  }
}

/** @param {Response} response */
function retryAfter(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}
