/**
 * Saving and submitting: version-checked, safe to repeat, and no stroke is ever lost on the way. A draft is saved while
 * one looks on; a submission goes through the outbox, so that nobody waits for the connection.
 *
 * @import {ConflictFacts, Patch} from "./api/types.js"
 * @import {Labelling, Parts} from "./labelling.js"
 * @import {Mask} from "./state/mask.js"
 */
import { t } from "./i18n.js";
import { ApiError } from "./api/errors.js";
import { newKey } from "./api/keys.js";

/** One save may take several tries; all of them carry one key, so that the server does it once. */
/** @typedef {{mask: Mask, baseNumber: number, key: string}} Attempt */

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
   * @returns {Promise<boolean>} whether the server has it
   */
  async save() {
    const { api, document, situation, supply, userId } = this.parts;
    document.endStroke();
    const patch = document.patch;
    const mask = document.current();
    if (!patch || !mask || this.#isBusy) return false;
    this.#isBusy = true;
    situation.set({ phase: "saving", notice: null });
    const { baseNumber, strokes } = document;
    const seconds = document.clock.seconds();
    try {
      const idempotencyKey = this.#keyFor(mask, baseNumber);
      const proposalId = proposalOf(patch);
      const saved = await api.saveMask(patch.id, { mask, baseNumber, submit: false, seconds, strokes, proposalId, idempotencyKey, person: userId });
      this.#attempt = null;
      document.strokes -= strokes;
      document.clock.reset(document.clock.seconds() - seconds);
      document.markSaved(mask, saved.revision.number);
      this.keepDraft();
      void supply.saved(patch, saved.revision, mask);
      situation.set({ phase: "ready", savedAt: saved.revision.saved_at, isCutOff: false });
      return true;
    } catch (error) {
      this.#isBusy = false;
      const conflict = error instanceof ApiError && error.kind === "revision-conflict" && conflictIn(error);
      if (conflict) return await this.#settle(mask, conflict);
      this.labelling.fail(error, () => this.save());
      return false;
    } finally {
      this.#isBusy = false;
    }
  }

  /** Submits the mask for review: it goes out from the outbox, and the next patch follows at once. */
  async submit() {
    const { document, outbox, project, situation } = this.parts;
    document.endStroke();
    const patch = document.patch;
    const mask = document.current();
    if (!patch || !mask || this.#isBusy) return;
    this.#isBusy = true;
    document.isLocked = true;
    situation.set({ phase: "saving", notice: null });
    const { baseNumber, strokes } = document;
    const seconds = document.clock.seconds();
    await this.#drafting;
    await outbox.add({ id: newKey(), project: project.slug, patch, mask, baseNumber, seconds, strokes, proposalId: proposalOf(patch) });
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
