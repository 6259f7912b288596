/** The states of patches, scenes, jobs and runs in the words of the page's language. */
import { t } from "../i18n.js";

/** @type {Record<string, string>} */
const NAMES = {
  unlabelled: t("unlabelled"),
  claimed: t("claimed"),
  submitted: t("submitted"),
  approved: t("approved"),
  returned: t("returned"),
  pending: t("waiting"),
  ingesting: t("being prepared"),
  ready: t("ready"),
  queued: t("queued"),
  running: t("running"),
  training: t("training"),
  evaluating: t("evaluating"),
  succeeded: t("succeeded"),
  failed: t("failed"),
  cancelled: t("cancelled"),
};

/** @param {string} state */
export function stateName(state) {
  return NAMES[state] ?? state;
}
