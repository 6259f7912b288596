/**
 * Submissions that are not at the server yet: how many wait, why, and what the person has to decide.
 *
 * @import {LabelClass, Scene} from "../api/types.js"
 * @import {Outbox, OutboxState} from "../offline/outbox.js"
 * @import {Sending} from "../offline/sending.js"
 * @import {askConflict} from "./dialogs.js"
 */
import { fetchMask } from "../api/milpa.js";
import { ApiError, explain } from "../api/errors.js";
import { t, tn } from "../i18n.js";
import { ask } from "./dialogs.js";
import { find, make } from "./elements.js";
import { tell } from "./toasts.js";

/**
 * @param {Outbox} outbox
 * @param {(sending: Sending, conflict: Parameters<typeof askConflict>[0]) => ReturnType<typeof askConflict>} compare
 */
export function showOutbox(outbox, compare) {
  const box = find("#outbox");
  outbox.store.subscribe((state) => {
    const waiting = state.sendings.filter((one) => one.state === "waiting");
    const stuck = state.sendings.filter((one) => one.state !== "waiting");
    // What goes out at once is not worth a word.
    box.hidden = stuck.length === 0 && !(waiting.length && state.obstacle);
    box.dataset["waiting"] = String(waiting.length);
    box.dataset["stuck"] = String(stuck.length);
    box.replaceChildren();
    if (waiting.length && state.obstacle) box.append(...waitingLines(outbox, state, waiting));
    for (const sending of stuck) box.append(stuckLine(outbox, sending, compare));
  });
}

/**
 * @param {Outbox} outbox
 * @param {OutboxState} state
 * @param {Sending[]} waiting
 */
function waitingLines(outbox, { obstacle }, waiting) {
  const { title, remedy } = explain(new ApiError(obstacle ?? "offline", ""));
  const drafts = waiting.filter(({ kind }) => kind === "draft").length;
  const submissions = waiting.length - drafts;
  const kept = [
    submissions && tn("{count} submission waits in this browser and goes out by itself.", "{count} submissions wait in this browser and go out by themselves.", submissions),
    drafts && tn("{count} draft waits in this browser and is saved by itself.", "{count} drafts wait in this browser and are saved by themselves.", drafts),
  ];
  return [
    make("p", {}, [`${title}.`, ...kept].filter(Boolean).join(" ")),
    make(
      "div",
      { class: "row" },
      remedy === "sign-in" && make("a", { class: "button button--small", href: "/login/", target: "_blank", rel: "noopener" }, t("Sign in (new tab)")),
      make("button", { type: "button", class: "button button--small", onclick: () => outbox.wake() }, t("Try now")),
    ),
  ];
}

/** Why there is nothing to compare with. */
function hiddenMask() {
  return t(
    "Nobody sees another person’s mask before it is approved, so that no answer is copied: the two cannot be compared here. Yours stays in this browser; try again when the patch is free, or discard it.",
  );
}

/** @param {Sending} sending */
function titleOf({ kind, patch }) {
  const tile = `${patch.z}/${patch.x}/${patch.y}`;
  return kind === "draft" ? t("The draft of patch {tile} is not saved.", { tile }) : t("Patch {tile} is not submitted.", { tile });
}

/**
 * @param {Outbox} outbox
 * @param {Sending} sending
 * @param {Parameters<typeof showOutbox>[1]} compare
 */
function stuckLine(outbox, sending, compare) {
  const { current, mask, patch } = sending;
  const choose = async () => {
    if (!current) return;
    try {
      const theirs = await fetchMask(current.mask_url);
      const answer = await compare(sending, { mine: mask, theirs, author: current.author, savedAt: current.saved_at });
      if (answer !== "later") await outbox.settle(sending, answer);
    } catch (error) {
      tell(explain(error).title, "warning");
    }
  };
  const discard = async () => {
    const answer = await ask({
      title: t("Discard your mask?"),
      body: [make("p", {}, t("The server has not taken it, so this browser holds the only copy."))],
      choices: [
        { value: "keep", label: t("Keep it here"), isPrimary: true },
        { value: "discard", label: t("Discard it") },
      ],
      onEscape: "keep",
    });
    if (answer === "discard") await outbox.settle(sending, "theirs");
  };
  const button = (/** @type {string} */ label, /** @type {() => unknown} */ onclick) =>
    make("button", { type: "button", class: "button button--small", onclick }, label);
  return make(
    "div",
    { "data-patch": String(patch.id) },
    make("p", {}, make("strong", {}, titleOf(sending)), " ", sending.detail),
    !current && sending.isHeldByAnother && make("p", {}, hiddenMask()),
    make(
      "div",
      { class: "row" },
      current && button(t("Compare and choose"), choose),
      sending.state === "refused" && button(t("Try again"), () => outbox.settle(sending, "mine")),
      !current && button(t("Discard"), discard),
    ),
  );
}
