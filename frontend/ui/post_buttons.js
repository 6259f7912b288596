/**
 * Buttons that call the API: <button data-post="/api/v1/…" data-body='{"scene": 3}' data-confirm="Really?"
 * data-then="/where/to/go/">. A second click is the same request, not another one. Afterwards the page is loaded anew,
 * or `data-then` is gone to.
 */
import { t } from "../i18n.js";
import { postAction } from "../api/milpa.js";
import { explain } from "../api/errors.js";
import { newKey } from "../api/keys.js";
import { ask } from "./dialogs.js";
import { make } from "./elements.js";
import { tell } from "./toasts.js";

/** @param {ParentNode} [root] */
export function bindPostButtons(root = document) {
  for (const button of root.querySelectorAll("button[data-post]")) {
    if (button instanceof HTMLButtonElement) bind(button);
  }
}

/** @param {HTMLButtonElement} button */
function bind(button) {
  let key = newKey();
  button.addEventListener("click", async () => {
    const { post, body, confirm, then } = button.dataset;
    if (!post || (confirm && !(await isSure(confirm)))) return;
    button.disabled = true;
    try {
      await postAction(post, JSON.parse(body ?? "{}"), key);
      if (then) globalThis.location.assign(then);
      else globalThis.location.reload();
    } catch (error) {
      const { title, sentence, remedy } = explain(error);
      tell(`${title}. ${sentence}`, "warning");
      // What was refused may be asked for anew; what may have arrived is asked for with the same key.
      if (remedy !== "retry") key = newKey();
      button.disabled = false;
    }
  });
}

/** @param {string} question */
async function isSure(question) {
  const answer = await ask({
    title: question,
    body: [make("p", { class: "visually-hidden" }, question)],
    choices: [
      { value: "yes", label: t("Yes"), isPrimary: true },
      { value: "no", label: t("No") },
    ],
    onEscape: "no",
  });
  return answer === "yes";
}
