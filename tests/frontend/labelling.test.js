import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError, errorOf } from "../../frontend/api/errors.js";
import { emptyMask, sameMask } from "../../frontend/state/mask.js";
import { FakeApi, PROPOSAL, THEIRS, atWork, drawn, fakeDrafts } from "./at_work.js";

test("a patch that was being loaded ahead when the server gave it is not served a second time", async () => {
  const { api, document, labelling, supply } = await atWork({ patches: [1, 2, 3] });
  let arrive = () => {};
  const entropy = api.fetchEntropy;
  api.fetchEntropy = () => new Promise((resolve) => (arrive = () => resolve(entropy())));
  const preparation = supply.prepareNext(1);
  await new Promise((resolve) => setTimeout(resolve));
  await labelling.saving.submit();
  assert.equal(document.patch.id, 2);
  arrive();
  await preparation;
  document.apply(drawn(1));
  await labelling.saving.submit();
  assert.equal(document.patch.id, 3);
});

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

test("a submitted patch goes into the outbox and makes way for the next, the last one for a message", async () => {
  const { document, outbox, situation, labelling } = await atWork();
  const mine = drawn(1);
  document.apply(mine);
  await labelling.saving.submit();
  const [sending] = outbox.kept;
  assert.deepEqual([sending.mask, sending.baseNumber, sending.strokes, sending.proposalId], [mine, 0, 1, 70]);
  assert.equal(document.patch.id, 2);
  await labelling.saving.submit();
  assert.deepEqual([situation.state.phase, situation.state.idle.outcome], ["idle", "finished"]);
  assert.notEqual(outbox.kept[0].id, outbox.kept[1].id);
});

test("without a connection the patch that was loaded ahead follows, then the notice", async () => {
  const { api, document, labelling, situation, supply } = await atWork();
  await supply.prepareNext(1);
  assert.equal(supply.aheadId(), 2);
  api.claimPatch = api.sendHeartbeat = async () => {
    throw new ApiError("offline", "gone");
  };
  await labelling.saving.submit();
  assert.deepEqual([document.patch.id, document.mask(), situation.state.phase], [2, PROPOSAL, "ready"]);
  await labelling.saving.submit();
  assert.deepEqual([situation.state.phase, situation.state.notice.title], ["error", "The server cannot be reached"]);
});

test("patches of a day offline are served in their order, without a question to the server", async () => {
  const { api, document, labelling, packets, supply } = await atWork({ patches: [1, 2, 3] });
  for (const id of [3, 2]) await supply.loadForField(api.patches.find((one) => one.id === id));
  for (const packet of packets.kept.values()) packet.order = packet.patchId;
  const asked = [];
  api.claimPatch = async (_slug, claiming) => (asked.push(claiming), { outcome: "finished", detail: "" });
  await labelling.saving.submit();
  assert.deepEqual([document.patch.id, asked.length], [2, 0]);
  await labelling.saving.submit();
  assert.equal(document.patch.id, 3);
  await labelling.saving.submit();
  assert.deepEqual(asked.at(-1).besides, [1, 2, 3]);
});

test("a submission that still waits is drawn on again when its patch is opened", async () => {
  const { document, labelling, outbox, drafts } = await atWork();
  const mine = drawn(1);
  document.apply(mine);
  await labelling.saving.submit();
  await labelling.next(1);
  assert.deepEqual([document.patch.id, document.isDirty(), outbox.kept.length], [1, true, 0]);
  assert.ok(sameMask(document.mask(), mine));
  assert.equal(drafts.kept.get(1).mask, mine);
});

test("a claim ahead is given back when the page is left, and dropped when it is lost", async () => {
  const { api, labelling, supply } = await atWork();
  await supply.prepareNext(1);
  supply.leave();
  assert.deepEqual([api.released, supply.aheadId()], [[2], null]);
  api.addPatch(2);
  await supply.prepareNext(1);
  api.sendHeartbeat = async (id) => {
    if (id === 2) throw errorOf(409, { code: "claim-lost", detail: "It ended." });
    return { expires_at: "2030-01-01T01:00:00Z" };
  };
  api.patches = api.patches.filter(({ id }) => id !== 2);
  await labelling.beat();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.equal(supply.aheadId(), null);
});

test("a patch that cannot be given back for want of a connection comes again last", async () => {
  const { api, document, labelling, packets, said, supply } = await atWork({ patches: [1, 2] });
  await supply.loadForField(api.patches[1]);
  packets.kept.get(2).order = 1;
  api.failures.push(new ApiError("offline", "gone"));
  await labelling.skip();
  assert.equal(document.patch.id, 2);
  assert.match(said.at(-1), /stays with you/);
  const [first, last] = await packets.list();
  assert.deepEqual([first.patchId, last.patchId], [2, 1]);
});

test("saves in a row count only what is new", async () => {
  const { api, document, labelling } = await atWork();
  document.apply(drawn(1));
  document.apply(drawn(2));
  await labelling.saving.save();
  assert.equal(document.isDirty(), false);
  document.apply(drawn(3));
  await labelling.saving.save();
  assert.deepEqual(api.saves.map(({ strokes, baseNumber }) => [strokes, baseNumber]), [[2, 0], [1, 1]]);
  assert.notEqual(api.saves[0].idempotencyKey, api.saves[1].idempotencyKey);
});

test("a stroke drawn while a save is under way stays unsaved and kept", async () => {
  const { api, document, drafts, labelling } = await atWork();
  const [sent, later] = [drawn(1), drawn(2)];
  document.apply(sent);
  const save = labelling.saving.save();
  document.apply(later);
  await save;
  await labelling.saving.drafted();
  assert.equal(api.saves[0].mask, sent);
  assert.equal(document.isDirty(), true);
  assert.equal(document.strokes, 1);
  assert.deepEqual([drafts.kept.get(1).mask, drafts.kept.get(1).baseNumber], [later, 1]);
});

/** The real outbox, in a browser whose store is switched off: it keeps all in memory. */
test("a save that failed is tried again with the same key, and the work is kept meanwhile", async () => {
  const { api, document, drafts, situation, labelling } = await atWork();
  document.apply(drawn(1));
  api.failures.push(errorOf(500, {}));
  assert.equal(await labelling.saving.save(), false);
  assert.equal(situation.state.phase, "error");
  assert.match(situation.state.notice.sentence, /kept in this browser/);
  assert.equal(drafts.kept.size, 1);
  await situation.state.notice.ways.find(({ label }) => label === "Try again").run();
  assert.equal(situation.state.phase, "ready");
  assert.equal(api.saves[0].idempotencyKey, api.saves[1].idempotencyKey);
  await labelling.saving.drafted();
  assert.equal(drafts.kept.size, 0);
});

for (const answer of ["mine", "theirs", "later"]) {
  test(`in a conflict nothing is lost: ${answer}`, async () => {
    const { api, document, drafts, labelling, asked } = await atWork({ answers: { conflict: answer } });
    const mine = drawn(1);
    document.apply(mine);
    api.someoneSaves();
    const isSaved = await labelling.saving.save();
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

test("nobody draws on a patch before it is known what an earlier visit left", async () => {
  const { document, drafts, labelling, situation } = await atWork();
  await drafts.put({ patchId: 2, baseNumber: 0, mask: drawn(1), strokes: 3, seconds: 40 });
  let answer = () => {};
  const { get } = drafts;
  drafts.get = (id) => new Promise((resolve) => (answer = () => resolve(get(id))));
  const opening = labelling.next(2);
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([situation.state.phase, document.patch.id], ["loading", 1]);
  answer();
  await opening;
  assert.deepEqual([situation.state.phase, document.patch.id], ["ready", 2]);
  assert.ok(sameMask(document.current(), drawn(1)));
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
  await labelling.saving.save();
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
