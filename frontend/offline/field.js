/**
 * A day without a connection: patches that are claimed and loaded before one leaves, imagery and all.
 *
 * @import {Patch, Project} from "../api/types.js"
 * @import {Drafts} from "../state/drafts.js"
 * @import {Outbox} from "./outbox.js"
 * @import {Packets} from "./packets.js"
 * @import {Supply} from "./supply.js"
 */
import { ApiError } from "../api/errors.js";
import { Store } from "../state/store.js";

/**
 * @typedef {object} FieldState
 * @property {number} here patches that are in this browser and still to be drawn
 * @property {number | null} heldUntil milliseconds: the earliest end of a claim on them
 * @property {number | null} loading how many are being loaded, null while nothing is
 * @property {number} loaded of those
 *
 * @typedef {object} FieldParts
 * @property {typeof import("../api/milpa.js")} api
 * @property {Project} project
 * @property {Packets} packets
 * @property {Drafts} drafts
 * @property {Supply} supply
 * @property {Pick<Outbox, "patchIds">} outbox
 * @property {(patch: Patch) => string[]} tilesOf addresses of all tiles that the map may show of a patch
 */

/** The service worker looks for imagery here when the server is out of reach. */
const IMAGERY_CACHE = "milpa-field";

export class Field {
  /** @type {Store<FieldState>} */
  store = new Store(/** @type {FieldState} */ ({ here: 0, heldUntil: null, loading: null, loaded: 0 }));

  /** @param {FieldParts} parts */
  constructor(parts) {
    this.parts = parts;
  }

  /** Counts what is in this browser. */
  async look() {
    const { outbox, packets, project } = this.parts;
    const done = new Set(outbox.patchIds());
    const all = await packets.list(project.slug).catch(() => []);
    const here = all.filter(({ kind, patchId }) => kind === "field" && !done.has(patchId));
    const ends = here.map(({ heldUntil }) => heldUntil);
    this.store.set({ here: here.length, heldUntil: ends.length ? Math.min(...ends) : null });
  }

  /**
   * Claims and loads so many patches; those that are here already count. What was loaded stays where it breaks off.
   *
   * @param {number} count
   */
  async take(count) {
    const { api, project, supply, tilesOf } = this.parts;
    // The browser is asked not to make room by throwing this away.
    await globalThis.navigator?.storage?.persist?.().catch(() => false);
    this.store.set({ loading: count, loaded: 0 });
    try {
      const { patches } = await api.claimForField(project.slug, count);
      this.store.set({ loading: patches.length });
      for (const patchId of patches) {
        const patch = await api.getPatch(patchId);
        await supply.fetchTiles(tilesOf(patch), (url) => this.#keepTile(url));
        await supply.loadForField(patch);
        this.store.set({ loaded: this.store.state.loaded + 1 });
      }
    } finally {
      this.store.set({ loading: null });
      await this.look();
    }
  }

  /**
   * Gives back what was not begun.
   *
   * @param {number | null} openPatchId
   * @returns {Promise<number>} how many went back
   */
  async giveBack(openPatchId) {
    const { api, drafts, outbox, packets, project } = this.parts;
    const begun = new Set([openPatchId, ...outbox.patchIds(), ...(await drafts.list(project.slug)).map(({ patchId }) => patchId)]);
    const all = await packets.list(project.slug);
    let count = 0;
    try {
      for (const { kind, patchId } of all) {
        if (kind !== "field" || begun.has(patchId)) continue;
        await api.releasePatch(patchId, { isSkipped: false }).catch((error) => {
          // Its claim has ended: then it is back already.
          if (!(error instanceof ApiError && error.kind === "claim-lost")) throw error;
        });
        await packets.remove(patchId);
        count += 1;
      }
    } finally {
      await this.look();
      if (this.store.state.here === 0) await globalThis.caches?.delete(IMAGERY_CACHE);
    }
    return count;
  }

  /** @param {string} url */
  async #keepTile(url) {
    // On an origin that is not secure there is no such cache; then the browser's ordinary one holds the tile.
    if (!globalThis.caches) return this.parts.api.fetchTile(url);
    const cache = await caches.open(IMAGERY_CACHE);
    return (await cache.match(url)) ?? cache.add(url);
  }
}
