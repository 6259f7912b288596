/**
 * What goes to and fro between this browser and the server: patches that are served, drafts, masks that are sent.
 *
 * @import {Patch} from "../api/types.js"
 * @import {Parts} from "../labelling.js"
 * @import {Sending} from "../offline/sending.js"
 * @import {Workplace} from "./workplace.js"
 */
import * as api from "../api/milpa.js";
import { reportImagery } from "../api/patch_masks.js";
import { Recorder } from "../history/recorder.js";
import { openSteps } from "../history/step_store.js";
import { t } from "../i18n.js";
import { Labelling } from "../labelling.js";
import { inComposite, tileUrl } from "../map/imagery.js";
import { Field } from "../offline/field.js";
import { Outbox } from "../offline/outbox.js";
import { openPackets } from "../offline/packets.js";
import { Supply } from "../offline/supply.js";
import { viewTiles } from "../offline/view_tiles.js";
import { lazyDatabase } from "../state/database.js";
import { openDrafts } from "../state/drafts.js";
import { askBeforeLeaving, askConflict } from "../ui/dialogs.js";
import { tell } from "../ui/toasts.js";

/** @typedef {ReturnType<typeof createExchange>} Exchange */

/** @type {Record<Sending["kind"], (number: number) => string>} */
const ARRIVED = {
  submission: () => t("Submitted for review."),
  draft: (number) => t("Saved as revision {number}.", { number }),
  "bad-imagery": () => t("Submitted as bad imagery."),
};

/** @param {Workplace} workplace */
export function createExchange(workplace) {
  const { document, project, situation, userId } = workplace;
  const database = lazyDatabase();
  const packets = openPackets(userId, database);
  const drafts = openDrafts(userId, database);
  const outbox = new Outbox({
    api: { ...api, reportImagery },
    database,
    person: userId,
    onSent(sending, revision) {
      tell(ARRIVED[sending.kind](revision.number), "success");
      if (sending.kind === "draft") void labelling.saving.arrived(sending, revision);
    },
    onStuck(sending) {
      if (!labelling.saving.takeOver(sending)) tell(t("A submission needs your decision: see beside the map."), "warning");
    },
    onUnkept: () => tell(t("This browser cannot keep your work. Leave this page open until everything is sent."), "warning"),
  });
  const { tilesOf, tilesOfAllScenes } = tilesOn(workplace);
  const supply = new Supply({ api, project, packets, outbox, tilesOf });
  const field = new Field({ api, project, packets, drafts, supply, outbox, tilesOf: tilesOfAllScenes });
  const askWhichMask = whichMask(workplace);
  /** @type {Parts} */
  const parts = {
    api,
    project,
    document,
    drafts,
    outbox,
    supply,
    userId,
    situation,
    person: { tell, askBeforeLeaving, askConflict: (conflict) => askWhichMask(document.patch, conflict) },
  };
  const labelling = new Labelling(parts);
  new Recorder(document, openSteps(userId));
  return { drafts, outbox, supply, field, labelling, askWhichMask };
}

/** @param {Workplace} workplace */
function tilesOn({ scenes, sceneOf, shownScene, tools, view }) {
  return {
    /** @param {Patch} patch */
    tilesOf(patch) {
      const scene = shownScene() ?? sceneOf(patch);
      return scene ? viewTiles(inComposite(scene, tools.state.composite), patch, view.map.getSize()) : [];
    },
    /** @param {Patch} patch */
    tilesOfAllScenes: (patch) => scenes.flatMap((scene) => viewTiles(scene, patch, view.map.getSize())),
  };
}

/** @param {Workplace} workplace */
function whichMask({ project, root, shownScene }) {
  /**
   * @param {Patch | null} patch
   * @param {Parameters<typeof askConflict>[0]} conflict
   */
  return (patch, conflict) => {
    const scene = shownScene();
    const imageUrl = scene && patch ? tileUrl(scene, patch) : null;
    return askConflict(conflict, project.legend, { imageUrl, username: root.dataset["username"] ?? "" });
  };
}
