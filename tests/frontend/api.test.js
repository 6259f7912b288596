import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { gunzipSync } from "node:zlib";

import { ApiError, errorOf, explain } from "../../frontend/api/errors.js";
import { request, requestJson } from "../../frontend/api/http.js";
import { claimPatch, fetchMask, releasePatch, saveMask } from "../../frontend/api/milpa.js";
import { randomMask, seeded } from "./random.js";

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
  delete globalThis.document;
});

/** Answers each request with the next of the given responses or errors; returns what was asked. */
function answerWith(...answers) {
  const asked = [];
  globalThis.fetch = async (url, options) => {
    asked.push({ url, ...options });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer();
  };
  return asked;
}

const problem = (status, body, headers = {}) => () =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/problem+json", ...headers } });
const json = (body) => () => Response.json(body);

test("a save carries the mask gzipped, its base and one key", async () => {
  globalThis.document = { cookie: "a=b; csrftoken=secret" };
  const mask = randomMask(seeded(1));
  const asked = answerWith(json({ revision: { number: 4 } }));
  await saveMask(7, { mask, baseNumber: 3, submit: true, seconds: 12.6, strokes: 2, proposalId: 9, idempotencyKey: "k", person: "12" });
  const { url, method, headers, body } = asked[0];
  assert.equal(method, "PUT");
  assert.equal(url, "/api/v1/patches/7/mask/?submit=1&seconds=13&strokes=2&proposal=9");
  assert.equal(headers.get("If-Match"), '"3"');
  assert.equal(headers.get("Milpa-Person"), "12");
  assert.equal(headers.get("Idempotency-Key"), "k");
  assert.equal(headers.get("Content-Encoding"), "gzip");
  assert.equal(headers.get("X-CSRFToken"), "secret");
  assert.ok(body.length < 8000);
  assert.deepEqual(new Uint8Array(gunzipSync(body)), mask);
});

test("a passing failure is tried again with the same key, a refusal is not", async () => {
  const asked = answerWith(new TypeError("down"), problem(503, {}), json({ done: true }));
  const options = { method: "PUT", isRepeatable: true, headers: { "Idempotency-Key": "k" }, pausesMs: [1, 1] };
  assert.deepEqual(await requestJson("/x", options), { done: true });
  assert.deepEqual(asked.map(({ headers }) => headers.get("Idempotency-Key")), ["k", "k", "k"]);

  const refused = answerWith(problem(422, { code: "bad-mask", detail: "A value is outside the legend." }));
  await assert.rejects(request("/x", options), { kind: "refused", code: "bad-mask", status: 422 });
  assert.equal(refused.length, 1);

  const once = answerWith(new TypeError("down"));
  await assert.rejects(request("/x", { method: "POST" }), { kind: "offline" });
  assert.equal(once.length, 1);
});

test("a server that never answers is a timeout", async () => {
  globalThis.fetch = (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  // The limit alone does not keep Node.js awake.
  const awake = setInterval(() => {}, 5);
  await assert.rejects(request("/x", { timeoutMs: 20, pausesMs: [] }), { kind: "timeout" });
  clearInterval(awake);
});

test("a redirect to the login page means that one is signed out", async () => {
  answerWith(() => Object.defineProperties(new Response("<html>"), { redirected: { value: true }, url: { value: "http://here/login/?next=/" } }));
  await assert.rejects(request("/x"), { kind: "signed-out" });
});

test("a mask of another size is no mask", async () => {
  answerWith(() => new Response(new Uint8Array(100)));
  await assert.rejects(fetchMask("/m"), { kind: "bad-answer" });
});

test("every problem has a title, a sentence and a remedy", () => {
  const cases = [
    [errorOf(401, {}), "sign-in"],
    [errorOf(403, { code: "not-signed-in", detail: "…" }), "sign-in"],
    [errorOf(403, { code: "not-allowed", detail: "CSRF Failed: CSRF token missing." }), "reload"],
    [errorOf(403, { code: "not-allowed", title: "Your role does not allow this", detail: "Ask a lead." }), "none"],
    [errorOf(409, { code: "claim-lost", detail: "Somebody else has it." }), "reclaim"],
    [errorOf(412, { code: "revision-conflict", detail: "Both are kept." }), "none"],
    [errorOf(429, {}, 5), "retry"],
    [errorOf(500, {}), "retry"],
    [errorOf(503, {}), "retry"],
    [new ApiError("offline", "…"), "retry"],
    [new ApiError("timeout", "…"), "retry"],
    [new TypeError("a bug"), "reload"],
  ];
  for (const [error, remedy] of cases) {
    const told = explain(error);
    assert.equal(told.remedy, remedy, error.message);
    assert.ok(told.title.length > 5 && told.sentence.length > 1);
  }
  assert.equal(explain(errorOf(403, { code: "x", title: "Your role does not allow this", detail: "Ask a lead." })).sentence, "Ask a lead.");
});

test("a claim names one patch, or what is not asked for and for how long", async () => {
  const asked = answerWith(json({ outcome: "finished" }));
  await claimPatch("valley", { patchId: 5, besides: [] });
  await claimPatch("valley", { patchId: null, besides: [5], lease: "ahead" });
  assert.deepEqual(asked.map(({ body }) => JSON.parse(body)), [{ patch: 5 }, { besides: [5], lease: "ahead" }]);
});

test("a page that is closed still gives back what it had claimed ahead", async () => {
  const asked = answerWith(() => new Response(null, { status: 204 }));
  await releasePatch(5, { isSkipped: false, isLeaving: true });
  assert.deepEqual([asked[0].keepalive, JSON.parse(asked[0].body)], [true, { skipped: false }]);
});

test("work of somebody else than who is signed in says whose name it waits for", () => {
  const { remedy, sentence, title } = explain(errorOf(403, { code: "other-person", detail: "Bea is signed in now." }));
  assert.deepEqual([remedy, sentence, title], ["sign-in", "Bea is signed in now.", "Somebody else is signed in"]);
});
