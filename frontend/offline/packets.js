/**
 * Packets: all that drawing on a patch needs, kept in this browser, so that a patch opens without the server.
 *
 * @import {Patch} from "../api/types.js"
 * @import {Database} from "../state/database.js"
 * @import {Mask} from "../state/mask.js"
 */
import { read, readAll, write } from "../state/database.js";

/**
 * @typedef {object} Packet
 * @property {string} key person and patch
 * @property {string} project slug
 * @property {number} patchId
 * @property {"work" | "ahead" | "field"} kind opened, loaded while another patch is drawn, or taken for a day offline
 * @property {number} order the smaller, the sooner it is served
 * @property {number} heldUntil milliseconds
 * @property {Patch} patch
 * @property {Mask | null} proposalMask
 * @property {Mask | null} revisionMask
 * @property {Uint8Array<ArrayBuffer> | null} entropy null where it was not read yet
 *
 * @typedef {object} Packets
 * @property {(patchId: number) => Promise<Packet | null>} get
 * @property {(packet: Omit<Packet, "key">) => Promise<void>} put
 * @property {(patchId: number) => Promise<void>} remove
 * @property {(project: string) => Promise<Packet[]>} list this person's packets in the project, the first to serve first
 */

/**
 * @param {string} person two people on one computer have packets of their own
 * @param {Database} database
 * @returns {Packets}
 */
export function openPackets(person, database) {
  const keyOf = (/** @type {number} */ patchId) => `${person}:${patchId}`;
  return {
    async get(patchId) {
      return (await read(database, "packets", keyOf(patchId))) ?? null;
    },
    put(packet) {
      return write(database, ["packets"], (store) => store("packets").put({ ...packet, key: keyOf(packet.patchId) }));
    },
    remove(patchId) {
      return write(database, ["packets"], (store) => store("packets").delete(keyOf(patchId)));
    },
    async list(project) {
      /** @type {Packet[]} */
      const all = await readAll(database, "packets", person);
      return all.filter((packet) => packet.project === project).sort((a, b) => a.order - b.order);
    },
  };
}
