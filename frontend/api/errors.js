/** One typed error for whatever goes wrong between the page and the server, with a remedy for the person. */
import { t, tn } from "../i18n.js";

/**
 * @typedef {"offline" | "timeout" | "signed-out" | "other-person" | "out-of-date" | "claim-lost" | "revision-conflict"
 *   | "refused" | "busy" | "server" | "bad-answer"} ErrorKind
 * @typedef {"retry" | "sign-in" | "reclaim" | "reload" | "none"} Remedy
 */

export class ApiError extends Error {
  /**
   * @param {ErrorKind} kind
   * @param {string} detail
   * @param {{status?: number, code?: string, facts?: Record<string, any>, retryAfterS?: number}} [more]
   */
  constructor(kind, detail, more = {}) {
    super(detail);
    this.name = "ApiError";
    this.kind = kind;
    this.status = more.status ?? 0;
    this.code = more.code ?? kind;
    /** @type {Record<string, any>} */
    this.facts = more.facts ?? {};
    this.retryAfterS = more.retryAfterS ?? null;
  }

  /** Whether the very same request may work a moment later. */
  isPassing() {
    return this.kind === "offline" || this.kind === "timeout" || this.kind === "busy";
  }
}

/**
 * The error that an answer of the server stands for.
 *
 * @param {number} status
 * @param {Record<string, any>} problem the body, RFC 9457 where the server wrote it
 * @param {number | null} retryAfterS
 * @returns {ApiError}
 */
export function errorOf(status, problem, retryAfterS = null) {
  const code = String(problem.code ?? "");
  const detail = String(problem.detail ?? problem.title ?? t("The server answered with status {status}.", { status }));
  const more = { status, code, facts: problem, ...(retryAfterS === null ? {} : { retryAfterS }) };
  return new ApiError(kindOf(status, code, detail), detail, more);
}

/**
 * @param {number} status
 * @param {string} code
 * @param {string} detail
 * @returns {ErrorKind}
 */
function kindOf(status, code, detail) {
  if (status === 401 || code === "not-signed-in") return "signed-out";
  if (code === "other-person") return "other-person";
  if (status === 403 && detail.startsWith("CSRF")) return "out-of-date";
  if (code === "claim-lost") return "claim-lost";
  if (status === 412) return "revision-conflict";
  if (status === 429 || status === 502 || status === 503 || status === 504) return "busy";
  return status >= 500 ? "server" : "refused";
}

/**
 * What the person reads: a title, a sentence, and what helps.
 *
 * @param {unknown} error
 * @returns {{title: string, sentence: string, remedy: Remedy}}
 */
export function explain(error) {
  if (!(error instanceof ApiError)) {
    const sentence = error instanceof Error ? error.message : String(error);
    return { title: t("Something in this page failed"), sentence, remedy: "reload" };
  }
  switch (error.kind) {
    case "offline":
      return { title: t("The server cannot be reached"), sentence: t("Check the connection, then try again."), remedy: "retry" };
    case "timeout":
      return { title: t("The server takes too long"), sentence: t("The connection may be weak. Try again."), remedy: "retry" };
    case "busy":
      return {
        title: t("The server is busy"),
        sentence: error.retryAfterS ? tn("Try again in {count} second.", "Try again in {count} seconds.", error.retryAfterS) : t("Try again in a moment."),
        remedy: "retry",
      };
    case "signed-out":
      return {
        title: t("You are signed out"),
        sentence: t("Sign in again in a new tab, then come back here and try again."),
        remedy: "sign-in",
      };
    case "other-person":
      return { title: t("Somebody else is signed in"), sentence: error.message, remedy: "sign-in" };
    case "out-of-date":
      return { title: t("This page is out of date"), sentence: t("Reload it to go on."), remedy: "reload" };
    case "claim-lost":
      return { title: t("You no longer hold this patch"), sentence: error.message, remedy: "reclaim" };
    case "server":
      return { title: t("The server failed"), sentence: t("It is recorded there. Try again, or tell the project lead."), remedy: "retry" };
    case "revision-conflict":
    case "refused":
      return { title: String(error.facts["title"] ?? t("That cannot be done")), sentence: error.message, remedy: "none" };
    case "bad-answer":
      return { title: t("The server's answer cannot be read"), sentence: error.message, remedy: "retry" };
  }
}
