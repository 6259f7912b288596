/**
 * Strokes that the server does not have yet, kept in this browser's IndexedDB: a closed tab, a dead server or a
 * lost claim takes nothing away.
 *
 * @import {Database} from "./database.js"
 * @import {Mask} from "./mask.js"
 */
import { read, readAll, write } from "./database.js";

/**
 * @typedef {object} Draft
 * @property {string} key person and patch
 * @property {string} project slug
 * @property {number} patchId
 * @property {number} baseNumber the revision that the strokes were drawn on, 0 when there was none
 * @property {Mask} mask
 * @property {number} strokes
 * @property {number} seconds
 * @property {number} keptAt milliseconds
 *
 * @typedef {object} Drafts
 * @property {(patchId: number) => Promise<Draft | null>} get
 * @property {(draft: Omit<Draft, "key" | "keptAt">) => Promise<void>} put
 * @property {(patchId: number) => Promise<void>} remove
 * @property {(project: string) => Promise<Draft[]>} list this person's drafts in the project
 */

/**
 * @param {string} person drafts of two people on one computer stay apart
 * @param {Database} database
 * @returns {Drafts}
 */
export function openDrafts(person, database) {
  const keyOf = (/** @type {number} */ patchId) => `${person}:${patchId}`;
  return {
    async get(patchId) {
      return (await read(database, "drafts", keyOf(patchId))) ?? null;
    },
    put(draft) {
      return write(database, ["drafts"], (store) => store("drafts").put({ ...draft, key: keyOf(draft.patchId), keptAt: Date.now() }));
    },
    async list(project) {
      /** @type {Draft[]} */
      const all = await readAll(database, "drafts", person);
      return all.filter((draft) => draft.project === project);
    },
    remove(patchId) {
      return write(database, ["drafts"], (store) => store("drafts").delete(keyOf(patchId)));
    },
  };
}
