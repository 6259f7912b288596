import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, errorOf } from "../../frontend/api/errors.js";
import { AT_FIRST, Labelling } from "../../frontend/labelling.js";
import { EditorDocument } from "../../frontend/state/document.js";
import { FocusClock } from "../../frontend/state/focus_clock.js";
import { emptyMask, sameMask } from "../../frontend/state/mask.js";
import { Store } from "../../frontend/state/store.js";
import { randomMask, seeded } from "./random.js";

const PROPOSAL = randomMask(seeded(1));
const THEIRS = randomMask(seeded(2));

/** A server of one project in memory, as far as the loop needs one. */
class FakeApi {
  masks = new Map([["proposal", PROPOSAL]]);
  patches = [];
  number = 0;
  saves = [];
  failures = [];
  released = [];
  revisions = [];

  addPatch(id, more = {}) {
    this.patches.push({ id, state: "claimed", claim: { mine: true, expires_at: "2030-01-01T00:00:00Z" }, proposal: { id: 70, mask_url: "proposal" }, revision: null, review: null, ...more });
  }

  #mayFail() {
    const failure = this.failures.shift();
    if (failure) throw failure;
  }

  claimPatch = async (_slug, id) => {
    this.#mayFail();
    const patch = this.patches.find((one) => id === null || id === undefined || one.id === id);
    return patch ? { outcome: "claimed", patch } : { outcome: "finished", detail: "All done." };
  };

  fetchMask = async (url) => this.masks.get(url);

  getHistory = async () => {
    this.#mayFail();
    return { events: [], revisions: this.revisions };
  };

  saveMask = async (patchId, save) => {
    this.saves.push(save);
    this.#mayFail();
    if (save.baseNumber !== this.number) {
      const current = { id: 9, number: this.number, author: "bea", mask_url: "theirs", saved_at: "2030-01-01T00:00:00Z" };
      throw errorOf(412, { code: "revision-conflict", detail: "Both are kept.", current, kept: { id: 10 } });
    }
    this.number += 1;
    if (save.submit) this.patches = this.patches.filter(({ id }) => id !== patchId);
    return { revision: { id: 1, number: this.number, saved_at: "2030-01-01T00:00:00Z" }, state: "claimed" };
  };

  releasePatch = async (id) => {
    this.#mayFail();
    this.released.push(id);
    this.patches = this.patches.filter((one) => one.id !== id);
  };

  sendHeartbeat = async () => {
    this.#mayFail();
    return { expires_at: "2030-01-01T01:00:00Z" };
  };

  someoneSaves() {
    this.number += 1;
    this.masks.set("theirs", THEIRS);
  }
}

function fakeDrafts() {
  const kept = new Map();
  return {
    kept,
    get: async (id) => kept.get(id) ?? null,
    put: async (draft) => void kept.set(draft.patchId, { ...draft, keptAt: 1 }),
    remove: async (id) => void kept.delete(id),
    list: async () => [...kept.values()],
  };
}

async function atWork({ answers = {}, drafts = fakeDrafts(), api = new FakeApi(), patches = [1, 2] } = {}) {
  for (const id of patches) api.addPatch(id);
  const document = new EditorDocument(new FocusClock(() => 0));
  const said = [];
  const asked = [];
  const person = {
    tell: (sentence) => said.push(sentence),
    askConflict: async (conflict) => (asked.push(conflict), answers.conflict ?? "later"),
    askBeforeLeaving: async () => answers.leaving ?? "stay",
  };
  const situation = new Store(AT_FIRST);
  const labelling = new Labelling({ api, project: { slug: "valley" }, document, drafts, situation, person });
  await labelling.next();
  return { api, document, drafts, situation, labelling, said, asked };
}

const drawn = (seed) => randomMask(seeded(seed + 100));

test("editing starts from the revision, else the proposal, else the null class", async () => {
  const api = new FakeApi();
  api.addPatch(1, { proposal: null });
  const { document, labelling } = await atWork({ api, patches: [2] });
  assert.ok(sameMask(document.mask(), emptyMask()));
  await labelling.next(2);
  assert.equal(document.mask(), PROPOSAL);
  api.someoneSaves();
  api.addPatch(3, { revision: { number: 1, mask_url: "theirs", proposal: 70 } });
  await labelling.next(3);
  assert.equal(document.mask(), THEIRS);
  assert.deepEqual([document.baseNumber, document.proposalMask], [1, PROPOSAL]);
});

test("a submitted patch makes way for the next, and the last one for a message", async () => {
  const { api, document, situation, labelling } = await atWork();
  document.apply(drawn(1));
  await labelling.saving.submit();
  assert.deepEqual([api.saves[0].submit, api.saves[0].strokes, api.saves[0].proposalId], [true, 1, 70]);
  assert.equal(document.patch.id, 2);
  api.number = 0;
  await labelling.saving.submit();
  assert.equal(situation.state.phase, "idle");
  assert.equal(situation.state.idle.outcome, "finished");
});

test("saves in a row count only what is new", async () => {
  const { api, document, labelling } = await atWork();
  document.apply(drawn(1));
  document.apply(drawn(2));
  await labelling.saving.save({ submit: false });
  assert.equal(document.isDirty(), false);
  document.apply(drawn(3));
  await labelling.saving.save({ submit: false });
  assert.deepEqual(api.saves.map(({ strokes, baseNumber }) => [strokes, baseNumber]), [[2, 0], [1, 1]]);
  assert.notEqual(api.saves[0].idempotencyKey, api.saves[1].idempotencyKey);
});

test("a stroke drawn while a save is under way stays unsaved and kept", async () => {
  const { api, document, drafts, labelling } = await atWork();
  const [sent, later] = [drawn(1), drawn(2)];
  document.apply(sent);
  const save = labelling.saving.save({ submit: false });
  document.apply(later);
  await save;
  await labelling.saving.drafted();
  assert.equal(api.saves[0].mask, sent);
  assert.equal(document.isDirty(), true);
  assert.equal(document.strokes, 1);
  assert.deepEqual([drafts.kept.get(1).mask, drafts.kept.get(1).baseNumber], [later, 1]);
});

test("a save that failed is tried again with the same key, and the work is kept meanwhile", async () => {
  const { api, document, drafts, situation, labelling } = await atWork();
  document.apply(drawn(1));
  api.failures.push(new ApiError("offline", "gone"));
  assert.equal(await labelling.saving.save({ submit: false }), false);
  assert.equal(situation.state.phase, "error");
  assert.match(situation.state.notice.sentence, /kept in this browser/);
  assert.equal(drafts.kept.size, 1);
  await situation.state.notice.ways.find(({ label }) => label === "Try again").run();
  assert.equal(situation.state.phase, "ready");
  assert.equal(api.saves[0].idempotencyKey, api.saves[1].idempotencyKey);
  await labelling.saving.drafted();
  assert.equal(drafts.kept.size, 0);
});

test("a submission that failed unlocks the mask and is submitted by trying again", async () => {
  const { api, document, situation, labelling } = await atWork();
  document.apply(drawn(1));
  api.failures.push(errorOf(500, {}));
  await labelling.saving.submit();
  assert.equal(document.isDrawable(), true);
  await situation.state.notice.ways.find(({ label }) => label === "Try again").run();
  assert.equal(document.patch.id, 2);
});

for (const answer of ["mine", "theirs", "later"]) {
  test(`in a conflict nothing is lost: ${answer}`, async () => {
    const { api, document, drafts, labelling, asked } = await atWork({ answers: { conflict: answer } });
    const mine = drawn(1);
    document.apply(mine);
    api.someoneSaves();
    const isSaved = await labelling.saving.save({ submit: false });
    await labelling.saving.drafted();
    assert.deepEqual([asked[0].mine, asked[0].theirs, asked[0].author], [mine, THEIRS, "bea"]);
    if (answer === "mine") {
      assert.equal(isSaved, true);
      assert.deepEqual([api.saves[1].baseNumber, api.saves[1].mask], [1, mine]);
      assert.notEqual(api.saves[0].idempotencyKey, api.saves[1].idempotencyKey);
      assert.deepEqual([document.isDirty(), document.baseNumber], [false, 2]);
    } else if (answer === "theirs") {
      assert.deepEqual([document.current(), document.isDirty(), document.baseNumber], [THEIRS, false, 1]);
      document.undo();
      assert.equal(document.current(), mine);
    } else {
      assert.deepEqual([document.current(), document.isDirty(), document.baseNumber], [mine, true, 0]);
      assert.equal(drafts.kept.get(1).mask, mine);
    }
  });
}

test("unsaved strokes come back, with a sentence; undo leads to the saved mask", async () => {
  const drafts = fakeDrafts();
  await drafts.put({ patchId: 1, baseNumber: 0, mask: drawn(1), strokes: 3, seconds: 40 });
  const { document, said } = await atWork({ drafts });
  assert.ok(sameMask(document.current(), drawn(1)));
  assert.deepEqual([document.isDirty(), document.strokes, document.clock.seconds()], [true, 3, 40]);
  assert.match(said[0], /Your unsaved strokes of .* are back/);
  document.undo();
  assert.equal(document.current(), PROPOSAL);
});

test("strokes drawn on an older revision are shown beside the newer one", async () => {
  for (const answer of ["mine", "theirs"]) {
    const drafts = fakeDrafts();
    await drafts.put({ patchId: 1, baseNumber: 0, mask: drawn(1), strokes: 3, seconds: 40 });
    const api = new FakeApi();
    api.someoneSaves();
    api.addPatch(1, { revision: { number: 1, mask_url: "theirs", author: "bea", saved_at: "2030-01-01T00:00:00Z", proposal: 70 } });
    const { document, asked } = await atWork({ drafts, api, patches: [], answers: { conflict: answer } });
    assert.equal(asked.length, 1);
    if (answer === "theirs") {
      assert.equal(document.current(), THEIRS);
      document.redo();
    }
    assert.ok(sameMask(document.current(), drawn(1)));
    assert.equal(document.baseNumber, 1);
  }
});

test("a draft that the server has already is dropped in silence", async () => {
  const drafts = fakeDrafts();
  await drafts.put({ patchId: 1, baseNumber: 0, mask: PROPOSAL.slice(), strokes: 1, seconds: 1 });
  const { document, said } = await atWork({ drafts });
  assert.deepEqual([document.isDirty(), said.length, drafts.kept.size], [false, 0, 0]);
});

test("the revision before is taken as a step, never one that lost a conflict", async () => {
  const { api, document, labelling, said, situation } = await atWork();
  document.baseNumber = 3;
  api.revisions = [
    { number: 3, mask_url: "proposal", author: "ann" },
    { number: 2, mask_url: "nowhere", author: "ann", is_conflicting: true },
    { number: 2, mask_url: "theirs", author: "bea" },
  ];
  api.masks.set("theirs", THEIRS);
  await labelling.takePrevious();
  assert.equal(document.mask(), THEIRS);
  assert.match(said.at(-1), /revision 2 by bea/);
  document.undo();
  assert.equal(document.mask(), PROPOSAL);
  api.failures.push(new ApiError("offline", "The server cannot be reached."));
  await labelling.takePrevious();
  assert.equal(situation.state.phase, "error");
  assert.equal(document.mask(), PROPOSAL);
});

test("skipping asks about unsaved strokes", async () => {
  for (const [leaving, released, saves] of [["stay", 0, 0], ["save", 1, 1], ["discard", 1, 0]]) {
    const { api, document, labelling } = await atWork({ answers: { leaving } });
    document.apply(drawn(1));
    await labelling.skip();
    assert.deepEqual([api.released.length, api.saves.length], [released, saves]);
    assert.equal(document.patch.id, leaving === "stay" ? 1 : 2);
  }
});

test("a lost claim is told, claimed again, and the work saved", async () => {
  const { api, document, situation, labelling } = await atWork();
  const mine = drawn(1);
  document.apply(mine);
  const lost = errorOf(409, { code: "claim-lost", detail: "Your claim has ended." });
  api.failures.push(lost);
  await labelling.saving.save({ submit: false });
  assert.equal(situation.state.notice.title, "You no longer hold this patch");
  await situation.state.notice.ways.find(({ label }) => label === "Claim it again").run();
  assert.deepEqual([situation.state.phase, document.isDirty(), api.saves.at(-1).mask], ["ready", false, mine]);
});

test("a heartbeat that is not heard disturbs nobody, a lost claim is told", async () => {
  const { api, situation, labelling } = await atWork();
  api.failures.push(new ApiError("offline", "gone"));
  await labelling.beat();
  assert.deepEqual([situation.state.phase, situation.state.isCutOff], ["ready", true]);
  await labelling.beat();
  assert.deepEqual([situation.state.isCutOff, situation.state.heldUntil], [false, "2030-01-01T01:00:00Z"]);
  api.failures.push(errorOf(409, { code: "claim-lost", detail: "It ended." }));
  await labelling.beat();
  assert.equal(situation.state.phase, "error");
});

test("a patch that cannot be claimed leads to the queue", async () => {
  const { api, situation, labelling } = await atWork();
  api.failures.push(errorOf(409, { code: "claim-lost", detail: "Bea holds it." }));
  await labelling.next(77);
  assert.equal(situation.state.phase, "error");
  await situation.state.notice.ways.find(({ label }) => label === "Take the next patch").run();
  assert.equal(situation.state.phase, "ready");
});
