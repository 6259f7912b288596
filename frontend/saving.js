/**
 * Saving and submitting: version-checked, safe to repeat, and no stroke is ever lost on the way. A draft is saved while
 * one looks on, and waits in the outbox where there is no connection; a submission always goes through the outbox, so
 * that nobody waits for it.
 *
 * @import {ConflictFacts, Patch, Revision} from "./api/types.js"
 * @import {Labelling, Parts} from "./labelling.js"
 * @import {Sending} from "./offline/sending.js"
 * @import {Mask} from "./state/mask.js"
 */
import { t } from "./i18n.js";
import { ApiError } from "./api/errors.js";
import { newKey } from "./api/keys.js";
import { PIXEL_COUNT, UNSURE, sameMask } from "./state/mask.js";

/** One save may take several tries; all of them carry one key, so that the server does it once. */
/** @typedef {{mask: Mask, baseNumber: number, key: string}} Attempt */

/** Nobody looks on for long: without an answer the draft waits in the outbox. */
const IMPATIENT = { timeoutMs: 6000, pausesMs: [] };

export class Saving {
  /** @type {Attempt | null} */
  #attempt = null;
  /** @type {Promise<unknown>} drafts are written one after the other */
  #drafting = Promise.resolve();
  #isBusy = false;

  /**
   * @param {Parts} parts
   * @param {Labelling} labelling
   */
  constructor(parts, labelling) {
    this.parts = parts;
    this.labelling = labelling;
    parts.document.subscribe((event) => {
      if (event.type === "step") this.keepDraft();
    });
  }

  /** Writes what the server does not have yet to the browser's store; done after each step. */
  keepDraft() {
    const { document, drafts, person, project } = this.parts;
    const { patch, baseNumber, strokes } = document;
    const mask = document.current();
    if (!patch || !mask) return;
    const isDirty = document.isDirty();
    const seconds = document.clock.seconds();
    this.#drafting = this.#drafting
      .then(() => (isDirty ? drafts.put({ project: project.slug, patchId: patch.id, baseNumber, mask, strokes, seconds }) : drafts.remove(patch.id)))
      .catch(() => person.tell(t("This browser cannot keep unsaved strokes. Save often."), "warning"));
  }

  /** @returns {Promise<unknown>} when all drafts are written */
  drafted() {
    return this.#drafting;
  }

  /**
   * Saves a draft.
   *
   * @returns {Promise<boolean>} whether the server has it, or gets it without more being done
   */
  async save() {
    const { api, document, outbox, situation, supply, userId } = this.parts;
    document.endStroke();
    const patch = document.patch;
    const mask = document.current();
    if (!patch || !mask || this.#isBusy) return false;
    // What waits already comes first: this one grows from it.
    if (outbox.waitingDraft(patch.id)) return this.#queueDraft(patch, mask);
    this.#isBusy = true;
    situation.set({ phase: "saving", notice: null });
    const { baseNumber, strokes } = document;
    const seconds = document.clock.seconds();
    try {
      const idempotencyKey = this.#keyFor(mask, baseNumber);
      const proposalId = proposalOf(patch);
      const save = { mask, baseNumber, submit: false, seconds, strokes, proposalId, idempotencyKey, person: userId };
      const saved = await api.saveMask(patch.id, save, IMPATIENT);
      this.#attempt = null;
      this.#countFromNow(strokes, seconds);
      document.markSaved(mask, saved.revision.number);
      this.keepDraft();
      void supply.saved(patch, saved.revision, mask);
      situation.set({ phase: "ready", savedAt: saved.revision.saved_at, isCutOff: false });
      return true;
    } catch (error) {
      this.#isBusy = false;
      if (error instanceof ApiError && error.isPassing()) return this.#queueDraft(patch, mask);
      const conflict = error instanceof ApiError && error.kind === "revision-conflict" && conflictIn(error);
      if (conflict) return await this.#settle(mask, conflict);
      this.labelling.fail(error, () => this.save());
      return false;
    } finally {
      this.#isBusy = false;
    }
  }

  /** @returns {boolean} whether just what is shown waits for the connection as a draft */
  isWaiting() {
    const { document, outbox } = this.parts;
    const [mask, draft] = [document.current(), document.patch && outbox.waitingDraft(document.patch.id)];
    return Boolean(draft && mask && sameMask(draft.mask, mask));
  }

  /**
   * @param {Patch} patch
   * @param {Mask} mask
   */
  async #queueDraft(patch, mask) {
    const { document, outbox, person, project, situation } = this.parts;
    if (!this.isWaiting()) {
      const { baseNumber, strokes } = document;
      const seconds = document.clock.seconds();
      // The server may have done what it did not answer: it is asked again under the same key.
      const id = this.#keyFor(mask, baseNumber);
      this.#attempt = null;
      await outbox.add({ id, kind: "draft", report: null, project: project.slug, patch, mask, baseNumber, seconds, strokes, proposalId: proposalOf(patch) });
      this.#countFromNow(strokes, seconds);
      this.keepDraft();
    }
    situation.set({ phase: "ready" });
    person.tell(t("The draft waits in this browser and is saved when the connection is back. Go on drawing."), "info");
    return true;
  }

  /**
   * A draft that waited has reached the server.
   *
   * @param {Pick<Sending, "patch" | "mask">} sending
   * @param {Revision} revision what it has become
   */
  async arrived({ patch, mask }, revision) {
    const { document, drafts, situation, supply } = this.parts;
    void supply.saved(patch, revision, mask);
    if (document.patch?.id === patch.id) {
      document.markSaved(mask, revision.number);
      this.keepDraft();
      situation.set({ savedAt: revision.saved_at, isCutOff: false });
      return;
    }
    const kept = await drafts.get(patch.id).catch(() => null);
    if (!kept) return;
    const { baseNumber, ...strokes } = kept;
    await (sameMask(kept.mask, mask) ? drafts.remove(patch.id) : drafts.put({ ...strokes, baseNumber: revision.number })).catch(() => {});
  }

  /**
   * The server does not take a draft that waited. Where its patch is on the table, that is solved there, as with any save.
   *
   * @param {Sending} draft
   * @returns {boolean} whether it is
   */
  takeOver(draft) {
    const { document, outbox } = this.parts;
    if (draft.kind !== "draft" || document.patch?.id !== draft.patch.id || !document.isDirty()) return false;
    this.#countFromNow(-draft.strokes, -draft.seconds);
    void outbox.takeBack(draft).then(() => this.save());
    return true;
  }

  /**
   * That much counts as saved; from here on only what is new.
   *
   * @param {number} strokes
   * @param {number} seconds
   */
  #countFromNow(strokes, seconds) {
    const { document } = this.parts;
    document.strokes -= strokes;
    document.clock.reset(document.clock.seconds() - seconds);
  }

  /** Submits the mask for review. */
  async submit() {
    const { document } = this.parts;
    document.endStroke();
    const mask = document.current();
    if (mask) await this.#leaveWith({ kind: "submission", mask, report: null });
  }

  /**
   * Submits the whole patch as unsure, with what is wrong with its imagery.
   *
   * @param {NonNullable<Sending["report"]>} report
   */
  async reportImagery(report) {
    this.parts.document.cancelStroke();
    await this.#leaveWith({ kind: "bad-imagery", mask: new Uint8Array(PIXEL_COUNT).fill(UNSURE), report });
  }

  /**
   * It goes out from the outbox, and the next patch follows at once.
   *
   * @param {Pick<Sending, "kind" | "mask" | "report">} work
   */
  async #leaveWith(work) {
    const { document, outbox, project, situation } = this.parts;
    const patch = document.patch;
    if (!patch || this.#isBusy) return;
    this.#isBusy = true;
    document.isLocked = true;
    situation.set({ phase: "saving", notice: null });
    await this.#drafting;
    const { baseNumber, strokes } = document;
    const seconds = document.clock.seconds();
    await outbox.add({ ...work, id: newKey(), project: project.slug, patch, baseNumber, seconds, strokes, proposalId: proposalOf(patch) });
    this.#attempt = null;
    this.#isBusy = false;
    document.close();
    await this.labelling.next();
  }

  /**
   * Another revision was saved first: both masks are shown, and the person decides. The server has kept ours too.
   *
   * @param {Mask} mine
   * @param {ConflictFacts} conflict
   * @returns {Promise<boolean>}
   */
  async #settle(mine, conflict) {
    const { api, document, person, situation } = this.parts;
    const patch = document.patch;
    this.#attempt = null;
    try {
      const { number, author, saved_at } = conflict.current;
      const theirs = await api.fetchMask(conflict.current.mask_url);
      const answer = await person.askConflict({ mine, theirs, author, savedAt: saved_at });
      if (document.patch !== patch) return false;
      if (answer === "mine") {
        document.baseNumber = number;
        return await this.save();
      }
      if (answer === "theirs") {
        document.adopt(theirs, number);
        document.strokes = 0;
        situation.set({ phase: "ready", savedAt: saved_at });
        person.tell(t("You work on {author}’s mask now. Undo brings yours back.", { author }), "info");
        return false;
      }
      situation.set({ phase: "ready" });
      person.tell(t("Not saved yet: your strokes are kept in this browser."), "warning");
    } catch (error) {
      this.labelling.fail(error, () => this.save());
    }
    return false;
  }

  /**
   * @param {Mask} mask
   * @param {number} baseNumber
   * @returns {string}
   */
  #keyFor(mask, baseNumber) {
    const last = this.#attempt;
    const isAgain = last?.mask === mask && last.baseNumber === baseNumber;
    this.#attempt = isAgain ? last : { mask, baseNumber, key: newKey() };
    return this.#attempt.key;
  }
}

/**
 * The proposal that the work grew from, even where a newer one exists by now.
 *
 * @param {Patch} patch
 * @returns {number | null}
 */
function proposalOf({ proposal, revision }) {
  return (revision ? revision.proposal : proposal?.id) ?? null;
}

/**
 * @param {ApiError} error
 * @returns {ConflictFacts | null}
 */
function conflictIn(error) {
  const { current, kept } = error.facts;
  return current?.mask_url ? { current, kept } : null;
}
