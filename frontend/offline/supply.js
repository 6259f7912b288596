/**
 * Where the next patch comes from: what was taken for a day offline or loaded ahead, else the server's queue, else,
 * without a connection, whatever patch of the person this browser still has.
 *
 * @import {Claim, Patch, Project, Revision} from "../api/types.js"
 * @import {Mask} from "../state/mask.js"
 * @import {Outbox} from "./outbox.js"
 * @import {Packet, Packets} from "./packets.js"
 */
import { ApiError } from "../api/errors.js";

/** @typedef {Omit<Packet, "key">} OpenPacket */
/** @typedef {{outcome: "claimed", packet: OpenPacket, isConfirmed: boolean} | Exclude<Claim, {outcome: "claimed"}>} Supplied */

/**
 * @typedef {object} SupplyParts
 * @property {typeof import("../api/milpa.js")} api
 * @property {Project} project
 * @property {Packets} packets
 * @property {Pick<Outbox, "patchIds">} outbox
 * @property {(patch: Patch) => string[]} tilesOf addresses of the tiles that the map will show
 */

/** With a patch at hand, nobody waits long for a queue that may not answer. */
const IMPATIENT = { timeoutMs: 6000, pausesMs: [] };
const TILES_AT_ONCE = 4;

export class Supply {
  /** @type {OpenPacket | null} */
  #ahead = null;
  /** @type {symbol | null} the preparation under way */
  #preparing = null;

  /** @param {SupplyParts} parts */
  constructor(parts) {
    this.parts = parts;
  }

  /**
   * @param {number | null} patchId this very patch rather than the next one
   * @returns {Promise<Supplied>} `isConfirmed`: the server says at this moment that the person holds it
   */
  async next(patchId) {
    // What is being prepared may be the very patch that the server gives now: it must not come a second time.
    this.#preparing = null;
    // What was loaded ahead is in this page: its store need not be asked.
    const ready = this.#waiting([], patchId);
    const atHand = ready ? [] : await this.#atHand();
    const waiting = ready ?? this.#waiting(atHand, patchId);
    if (waiting) {
      this.#ahead = null;
      return { outcome: "claimed", packet: waiting, isConfirmed: false };
    }
    const { api, outbox, project } = this.parts;
    try {
      const how = atHand.length ? IMPATIENT : {};
      const claim = await api.claimPatch(project.slug, { patchId, besides: patchId === null ? outbox.patchIds() : [] }, how);
      if (claim.outcome !== "claimed") return claim;
      const packet = await this.#load(claim.patch, "work");
      this.#ahead = null;
      await this.#dropAllBut(packet.patchId, atHand);
      return { outcome: "claimed", packet, isConfirmed: true };
    } catch (error) {
      const packet = atHand.find((one) => patchId === null || one.patchId === patchId);
      if (!packet || !(error instanceof ApiError && error.isPassing())) throw error;
      return { outcome: "claimed", packet, isConfirmed: false };
    }
  }

  /**
   * Claims the patch after this one, and loads all that it takes.
   *
   * @param {number} patchId the one under work
   */
  async prepareNext(patchId) {
    const { api, outbox, project, tilesOf } = this.parts;
    if (this.#preparing || this.#ahead) return;
    const preparation = (this.#preparing = Symbol("preparation"));
    try {
      if (this.#waiting(await this.#atHand(patchId), null)) return;
      const besides = [patchId, ...outbox.patchIds()];
      const claim = await api.claimPatch(project.slug, { patchId: null, besides, lease: "ahead" }, {});
      if (claim.outcome !== "claimed") return;
      const packet = await this.#load(claim.patch, "ahead");
      packet.entropy = await this.#entropy(packet);
      // It may have been taken for a day offline meanwhile.
      if ((await this.parts.packets.get(packet.patchId))?.kind === "field") return;
      if (this.#preparing !== preparation) return;
      this.#ahead = packet;
      await this.#keep(packet);
      await this.fetchTiles(tilesOf(claim.patch));
    } catch {
      // The next patch is then asked for when it is needed.
    } finally {
      if (this.#preparing === preparation) this.#preparing = null;
    }
  }

  /** @returns {number | null} the patch that is claimed ahead */
  aheadId() {
    return this.#ahead?.patchId ?? null;
  }

  /**
   * The server has heard that the patch ahead is still wanted.
   *
   * @param {number} patchId
   * @param {string} expiresAt ISO time
   */
  aheadHeldUntil(patchId, expiresAt) {
    if (this.#ahead?.patchId === patchId) this.#ahead.heldUntil = Date.parse(expiresAt);
  }

  /** Somebody else may have it now. */
  dropAhead() {
    if (this.#ahead) void this.parts.packets.remove(this.#ahead.patchId).catch(() => {});
    this.#ahead = null;
  }

  /** The page is left: what was only loaded ahead goes back to the queue at once. */
  leave() {
    // Without a connection it cannot go back, and is what the next visit has to draw on.
    if (globalThis.navigator?.onLine === false) return;
    const packet = this.#ahead;
    this.dropAhead();
    if (packet) void this.parts.api.releasePatch(packet.patchId, { isSkipped: false, isLeaving: true }).catch(() => {});
  }

  /**
   * @param {Patch} patch
   * @returns {Promise<Uint8Array<ArrayBuffer> | null>}
   */
  async entropyOf(patch) {
    const kept = await this.parts.packets.get(patch.id).catch(() => null);
    if (kept?.entropy && kept.patch.proposal?.id === patch.proposal?.id) return kept.entropy;
    const entropy = patch.proposal ? await this.parts.api.fetchEntropy(patch.proposal.entropy_url) : null;
    if (kept) await this.#keep({ ...kept, entropy });
    return entropy;
  }

  /**
   * A draft was saved: opened without a connection, the patch starts from there.
   *
   * @param {Patch} patch
   * @param {Revision} revision
   * @param {Mask} mask
   */
  async saved(patch, revision, mask) {
    const kept = await this.parts.packets.get(patch.id).catch(() => null);
    if (kept) await this.#keep({ ...kept, patch: { ...kept.patch, revision }, revisionMask: mask });
  }

  /**
   * The person left the patch without submitting it; one that could not be given back comes again last.
   *
   * @param {number} patchId
   * @param {{isGivenBack: boolean}} how
   */
  async left(patchId, { isGivenBack }) {
    const { packets } = this.parts;
    const kept = await packets.get(patchId).catch(() => null);
    if (isGivenBack) await packets.remove(patchId).catch(() => {});
    else if (kept) await this.#keep({ ...kept, order: Date.now() });
  }

  /**
   * Loads a patch for a day offline.
   *
   * @param {Patch} patch
   */
  async loadForField(patch) {
    const packet = await this.#load(patch, "field");
    packet.entropy ??= await this.#entropy(packet);
    // What was only loaded ahead goes back when the page is left; this one stays.
    if (this.#ahead?.patchId === patch.id) this.#ahead = null;
    await this.parts.packets.put(packet);
  }

  /**
   * Reads tiles into the browser's cache; a missing one is no harm.
   *
   * @param {string[]} urls
   * @param {(url: string) => Promise<unknown>} [read]
   */
  async fetchTiles(urls, read = this.parts.api.fetchTile) {
    const left = [...urls];
    const work = async () => {
      for (let url = left.shift(); url; url = left.shift()) await read(url).catch(() => {});
    };
    await Promise.all(Array.from({ length: TILES_AT_ONCE }, work));
  }

  /**
   * @param {number | null} [besides]
   * @returns {Promise<Packet[]>} what this browser has and the person is not done with
   */
  async #atHand(besides = null) {
    const { outbox, packets, project } = this.parts;
    const done = new Set([besides, ...outbox.patchIds()]);
    return (await packets.list(project.slug).catch(() => [])).filter(({ patchId }) => !done.has(patchId));
  }

  /**
   * @param {Packet[]} atHand
   * @param {number | null} patchId
   * @returns {OpenPacket | undefined} one that needs no question to the server
   */
  #waiting(atHand, patchId) {
    const now = Date.now();
    const ours = [this.#ahead, ...atHand.filter(({ kind }) => kind === "field")].filter((one) => one !== null);
    return ours.find((one) => (patchId === null || one.patchId === patchId) && one.heldUntil > now);
  }

  /**
   * @param {Patch} patch
   * @param {Packet["kind"]} kind
   * @returns {Promise<OpenPacket>}
   */
  async #load(patch, kind) {
    const { api, packets, project } = this.parts;
    const { proposal, revision } = patch;
    const kept = await packets.get(patch.id).catch(() => null);
    const isProposalKept = kept?.proposalMask && kept.patch.proposal?.id === proposal?.id;
    const isRevisionKept = kept?.revisionMask && kept.patch.revision?.id === revision?.id;
    const [proposalMask, revisionMask] = await Promise.all([
      isProposalKept ? kept.proposalMask : proposal && api.fetchMask(proposal.mask_url),
      isRevisionKept ? kept.revisionMask : revision && api.fetchMask(revision.mask_url),
    ]);
    const packet = {
      project: project.slug,
      patchId: patch.id,
      kind: kept?.kind === "field" ? kept.kind : kind,
      order: kept?.order ?? Date.now(),
      heldUntil: patch.claim ? Date.parse(patch.claim.expires_at) : 0,
      patch,
      proposalMask,
      revisionMask,
      entropy: isProposalKept ? kept.entropy : null,
    };
    if (kind === "work") await this.#keep(packet);
    return packet;
  }

  /** @param {OpenPacket} packet */
  async #entropy({ entropy, patch }) {
    if (entropy || !patch.proposal) return entropy;
    return this.parts.api.fetchEntropy(patch.proposal.entropy_url);
  }

  /** @param {OpenPacket} packet */
  async #keep(packet) {
    // Without a store there is the server.
    await this.parts.packets.put(packet).catch(() => {});
  }

  /**
   * The server has answered, so what earlier visits left is not needed any more.
   *
   * @param {number} patchId
   * @param {Packet[]} atHand
   */
  async #dropAllBut(patchId, atHand) {
    const now = Date.now();
    const old = atHand.filter((one) => one.patchId !== patchId && (one.kind !== "field" || one.heldUntil < now));
    for (const one of old) await this.parts.packets.remove(one.patchId).catch(() => {});
  }
}
