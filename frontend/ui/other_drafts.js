/**
 * Strokes on other patches that never reached the server, after a lost claim say: where they are, and a way out.
 *
 * @import {Drafts} from "../state/drafts.js"
 */
import { dayAndTimeOf, t } from "../i18n.js";
import { painted } from "../pace.js";
import { find, make } from "./elements.js";

/**
 * @param {Drafts} drafts
 * @param {string} projectSlug
 * @param {number | null} openPatchId
 */
export async function showOtherDrafts(drafts, projectSlug, openPatchId) {
  await painted();
  const box = find("#other-drafts");
  const others = (await drafts.list(projectSlug).catch(() => [])).filter(({ patchId }) => patchId !== openPatchId);
  box.hidden = others.length === 0;
  box.replaceChildren();
  if (box.hidden) return;
  box.append(make("p", {}, t("Strokes of yours on other patches are kept in this browser only:")));
  for (const { patchId, keptAt } of others) {
    const discard = async () => {
      await drafts.remove(patchId);
      await showOtherDrafts(drafts, projectSlug, openPatchId);
    };
    box.append(
      make(
        "div",
        { class: "row" },
        make("a", { href: `?patch=${patchId}` }, t("Patch {id}, {when}", { id: patchId, when: dayAndTimeOf(keptAt) })),
        make("button", { type: "button", class: "button button--small", onclick: discard }, t("Discard")),
      ),
    );
  }
}
