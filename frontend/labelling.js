/**
 * The labelling loop: claim a patch, open it, keep it, leave it, take the next. Saving is in saving.js.
 *
 * @import {Claim, Patch, Project} from "./api/types.js"
 * @import {Outbox} from "./offline/outbox.js"
 * @import {OpenPacket, Supply} from "./offline/supply.js"
 * @import {Draft, Drafts} from "./state/drafts.js"
 * @import {EditorDocument} from "./state/document.js"
 * @import {Mask} from "./state/mask.js"
 * @import {Store} from "./state/store.js"
 */
import { t, timeOf } from "./i18n.js";
import { ApiError, explain } from "./api/errors.js";
import { painted } from "./pace.js";
import { startingMask } from "./state/asked_points.js";
import { sameMask } from "./state/mask.js";
import { Saving } from "./saving.js";

/**
 * @typedef {"loading" | "ready" | "saving" | "idle" | "error"} Phase
 *
 * @typedef {object} Notice what stands in the way, until it is solved
 * @property {string} title
 * @property {string} sentence
 * @property {{label: string, run?: () => unknown, href?: string}[]} ways
 *
 * @typedef {object} Situation
 * @property {Phase} phase
 * @property {Notice | null} notice
 * @property {Exclude<Claim, {outcome: "claimed"}> | null} idle why there is no patch
 * @property {string | null} heldUntil ISO time
 * @property {string | null} savedAt ISO time
 * @property {boolean} isCutOff the last sign of life did not reach the server
 *
 * @typedef {Omit<Draft, "key">} UnsentWork
 *
 * @typedef {object} Person what the page asks or tells the person
 * @property {(conflict: {mine: Mask, theirs: Mask, author: string, savedAt: string}) => Promise<"mine" | "theirs" | "later">} askConflict
 * @property {() => Promise<"save" | "discard" | "stay">} askBeforeLeaving
 * @property {(sentence: string, kind?: "success" | "info" | "warning") => void} tell
 *
 * @typedef {object} Parts
 * @property {typeof import("./api/milpa.js")} api
 * @property {Project} project
 * @property {EditorDocument} document
 * @property {Drafts} drafts
 * @property {Outbox} outbox
 * @property {Supply} supply
 * @property {string} userId of whoever is at work
 * @property {Store<Situation>} situation
 * @property {Person} person
 */

/** @type {Situation} */
export const AT_FIRST = { phase: "loading", notice: null, idle: null, heldUntil: null, savedAt: null, isCutOff: false };

const HEARTBEAT_MS = 60_000;
const LOOK_AGAIN_MS = 30_000;
/** The imagery of the open patch comes first, then the patch after it. */
const PREPARE_AFTER_MS = 1500;

export class Labelling {
  #isLeaving = false;

  /** @param {Parts} parts */
  constructor(parts) {
    this.parts = parts;
    this.saving = new Saving(parts, this);
  }

  /** Starts the regular signs of life, and looking again while all patches are claimed. */
  startClock() {
    setInterval(() => void this.beat(), HEARTBEAT_MS);
    setInterval(() => this.#lookAgain(), LOOK_AGAIN_MS);
    // What this person submits is held by them until it is at the server: the queue may be at its end then.
    this.parts.outbox.store.subscribe(() => void (this.parts.outbox.sendings().length || this.#lookAgain()));
  }

  #lookAgain() {
    const { idle, phase } = this.parts.situation.state;
    if (phase === "idle" && idle?.outcome === "all-claimed") void this.next();
  }

  /** @param {number | null} [patchId] this very patch rather than the next of the queue */
  async next(patchId = null) {
    const { document, outbox, situation, supply } = this.parts;
    const isSubmitting = outbox.sendings().length > 0;
    situation.set({ phase: "loading", notice: null, idle: null, savedAt: null });
    try {
      const supplied = await supply.next(patchId);
      if (supplied.outcome === "claimed") {
        await this.open(supplied.packet, supplied.isConfirmed);
        return;
      }
      document.close();
      situation.set({ phase: "idle", idle: supplied, heldUntil: null });
      // The answer may be older than the submission that has arrived meanwhile.
      if (isSubmitting && !outbox.sendings().length) this.#lookAgain();
    } catch (error) {
      const another = { label: t("Take the next patch"), run: () => this.next() };
      this.fail(error, () => this.next(patchId), patchId === null ? [] : [another]);
    }
  }

  /**
   * @param {OpenPacket} packet
   * @param {boolean} isConfirmed whether the server has said just now that the person holds the patch
   */
  async open({ patch, proposalMask, revisionMask, heldUntil }, isConfirmed) {
    const { document, situation, supply } = this.parts;
    const { revision } = patch;
    const mask = revisionMask ?? startingMask(patch, proposalMask);
    // Known before anybody can draw: strokes that came back later would come over a new one.
    const draft = await this.#unsentWork(patch);
    document.open({ patch, mask, baseNumber: revision?.number ?? 0, proposalMask });
    situation.set({
      phase: "ready",
      notice: null,
      idle: null,
      heldUntil: new Date(heldUntil).toISOString(),
      savedAt: revision?.saved_at ?? null,
      isCutOff: false,
    });
    if (!isConfirmed) void painted().then(() => this.#signOfLife(patch));
    setTimeout(() => document.patch === patch && void supply.prepareNext(patch.id), PREPARE_AFTER_MS);
    if (draft) await this.#restore(patch, draft);
  }

  /** Gives the patch back to the queue and takes the next one. */
  async skip() {
    const { document, drafts, person, situation } = this.parts;
    const patch = document.patch;
    if (!patch || this.#isLeaving) return;
    this.#isLeaving = true;
    try {
      if (document.isDirty() && !this.saving.isWaiting()) {
        const answer = await person.askBeforeLeaving();
        if (answer === "stay") return;
        if (answer === "save" && !(await this.saving.save())) return;
        if (answer === "discard") await drafts.remove(patch.id).catch(() => {});
      }
      situation.set({ phase: "loading" });
      await this.#giveBack(patch);
      document.close();
      await this.next();
    } catch (error) {
      this.fail(error, () => this.skip());
    } finally {
      this.#isLeaving = false;
    }
  }

  /** @param {Patch} patch */
  async #giveBack({ id }) {
    const { api, person, supply } = this.parts;
    try {
      await api.releasePatch(id);
      await supply.left(id, { isGivenBack: true });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const isCutOff = error.isPassing();
      // A patch that is not held any more needs no release.
      if (!isCutOff && error.kind !== "claim-lost") throw error;
      await supply.left(id, { isGivenBack: !isCutOff });
      if (isCutOff) person.tell(t("Without a connection the patch stays with you: it comes again after the others."), "info");
    }
  }

  /** The mask of the revision before the saved one, as a step that undo takes back. */
  async takePrevious() {
    const { api, document, person } = this.parts;
    const { patch, baseNumber } = document;
    if (!patch) return;
    try {
      const { revisions } = await api.getHistory(patch.id);
      const before = revisions.find(({ number, is_conflicting }) => number === baseNumber - 1 && !is_conflicting);
      const mask = before && (await api.fetchMask(before.mask_url));
      if (!mask || document.patch !== patch) return;
      const isChanged = document.apply(mask);
      person.tell(isChanged ? t("This is revision {number} by {author}. Undo takes it back.", { number: before.number, author: before.author }) : t("It is the same mask."));
    } catch (error) {
      this.fail(error, () => this.takePrevious());
    }
  }

  /** A sign of life, so that the claims do not expire: this patch's, and that of the one that is loaded ahead. */
  async beat() {
    const { document, outbox, situation } = this.parts;
    const patch = document.patch;
    if (!patch || situation.state.phase === "loading") return;
    outbox.wake();
    void this.#beatAhead(patch);
    await this.#signOfLife(patch);
  }

  /** @param {Patch} patch the one under work */
  async #signOfLife(patch) {
    const { api, document, situation } = this.parts;
    if (document.patch !== patch) return;
    try {
      const { expires_at } = await api.sendHeartbeat(patch.id);
      if (document.patch === patch) situation.set({ heldUntil: expires_at, isCutOff: false });
    } catch (error) {
      if (document.patch !== patch) return;
      if (error instanceof ApiError && (error.isPassing() || error.kind === "server")) situation.set({ isCutOff: true });
      else if (situation.state.phase === "ready") this.fail(error, () => this.#recover(() => this.beat()));
    }
  }

  /** @param {Patch} patch the one under work */
  async #beatAhead(patch) {
    const { api, document, supply } = this.parts;
    const aheadId = supply.aheadId();
    try {
      if (aheadId !== null) supply.aheadHeldUntil(aheadId, (await api.sendHeartbeat(aheadId, "ahead")).expires_at);
    } catch (error) {
      if (!(error instanceof ApiError && error.kind === "claim-lost") || supply.aheadId() !== aheadId) return;
      supply.dropAhead();
    }
    if (document.patch === patch) await supply.prepareNext(patch.id);
  }

  /**
   * Shows what went wrong and the ways out. The work stays on the screen and in the browser's store.
   *
   * @param {unknown} error
   * @param {() => unknown} retry
   * @param {Notice["ways"]} [otherWays]
   */
  fail(error, retry, otherWays = []) {
    const { document, situation } = this.parts;
    const { title, sentence, remedy } = explain(error);
    const kept = document.isDirty() ? ` ${t("Your strokes are kept in this browser.")}` : "";
    /** @type {Notice["ways"]} */
    const ways = [];
    if (remedy === "sign-in") ways.push({ label: t("Sign in (new tab)"), href: "/login/" });
    if (remedy === "retry" || remedy === "sign-in") ways.push({ label: t("Try again"), run: retry });
    if (remedy === "reload") ways.push({ label: t("Reload"), run: () => globalThis.location.reload() });
    const isHeldBefore = remedy === "reclaim" && document.patch !== null;
    if (isHeldBefore) {
      ways.push({ label: t("Claim it again"), run: () => this.#recover(retry) }, { label: t("Take the next patch"), run: () => this.next() });
    }
    ways.push(...otherWays.filter(({ label }) => ways.every((way) => way.label !== label)));
    if (remedy === "none" && document.patch) ways.push({ label: t("Close this message"), run: () => situation.set({ notice: null, phase: "ready" }) });
    const shownTitle = remedy === "reclaim" && !isHeldBefore ? t("This patch cannot be claimed") : title;
    situation.set({ phase: "error", notice: { title: shownTitle, sentence: sentence + kept, ways } });
  }

  /**
   * After a lost claim: hold the patch again, then go on. Nothing on the screen changes.
   *
   * @param {() => unknown} goOn
   */
  async #recover(goOn) {
    const { api, document, project, situation } = this.parts;
    const patch = document.patch;
    if (!patch) return;
    try {
      const claim = await api.claimPatch(project.slug, { patchId: patch.id, besides: [] });
      if (claim.outcome !== "claimed") throw new Error(claim.detail);
      situation.set({ phase: "ready", notice: null, heldUntil: claim.patch.claim?.expires_at ?? null });
      await goOn();
    } catch (error) {
      this.fail(error, () => this.#recover(goOn), [{ label: t("Take the next patch"), run: () => this.next() }]);
    }
  }

  /**
   * What an earlier visit could not save or has not sent yet.
   *
   * @param {Patch} patch
   * @returns {Promise<UnsentWork | null>}
   */
  async #unsentWork(patch) {
    return (await this.parts.drafts.get(patch.id).catch(() => null)) ?? (await this.#takenBack(patch));
  }

  /**
   * Brings back the strokes of an earlier visit.
   *
   * @param {Patch} patch the open one
   * @param {UnsentWork} draft
   */
  async #restore(patch, draft) {
    const { document, drafts, person } = this.parts;
    const base = document.current();
    if (!base) return;
    if (sameMask(draft.mask, base)) {
      await drafts.remove(patch.id).catch(() => {});
      return;
    }
    if (draft.baseNumber === document.baseNumber) {
      this.#bringBack(draft);
      person.tell(t("Your unsaved strokes of {time} are back. Undo leads to the saved mask.", { time: timeOf(draft.keptAt) }), "info");
      return;
    }
    const author = patch.revision?.author ?? t("someone else");
    const savedAt = patch.revision?.saved_at ?? "";
    const answer = await person.askConflict({ mine: draft.mask, theirs: base, author, savedAt });
    if (document.patch !== patch) return;
    this.#bringBack(draft);
    if (answer === "theirs") {
      document.undo();
      person.tell(t("Redo brings your strokes back."), "info");
    }
  }

  /**
   * A submission of this patch that still waits for the connection is drawn on again instead.
   *
   * @param {Patch} patch
   * @returns {Promise<UnsentWork | null>}
   */
  async #takenBack(patch) {
    const { drafts, outbox } = this.parts;
    const sending = outbox.submissionOf(patch.id);
    if (!sending) return null;
    const { baseNumber, mask, project, seconds, strokes } = sending;
    const draft = { project, patchId: patch.id, baseNumber, mask, seconds, strokes };
    // First here, then no longer there.
    await drafts.put(draft);
    await outbox.takeBack(sending);
    return { ...draft, keptAt: sending.queuedAt };
  }

  /** @param {Pick<UnsentWork, "mask" | "seconds" | "strokes">} draft */
  #bringBack(draft) {
    const { document } = this.parts;
    document.apply(draft.mask);
    document.strokes = draft.strokes;
    document.clock.reset(draft.seconds);
  }
}
