/**
 * Taking patches along for a day without a connection.
 *
 * @import {Field, FieldState} from "../offline/field.js"
 */
import { explain } from "../api/errors.js";
import { dayAndTimeOf, t, tn } from "../i18n.js";
import { find, make } from "./elements.js";
import { tell } from "./toasts.js";

const AT_FIRST = 10;

/**
 * @param {Field} field
 * @param {() => number | null} openPatchId
 */
export function showField(field, openPatchId) {
  const count = make("input", { type: "number", id: "field-count", min: "1", max: "40", value: String(AT_FIRST) });
  const take = make("button", { type: "submit", class: "button button--small" }, t("Take them offline"));
  const giveBack = make("button", { type: "button", class: "button button--small" }, t("Give back those not begun"));
  const status = make("p", { role: "status" });
  const form = make("form", { class: "row" }, make("label", { for: "field-count" }, t("Patches")), count, take);
  find("#field").replaceChildren(make("details", {}, make("summary", {}, t("A day without a connection")), form, status, giveBack));

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void tried(() => field.take(Number(count.value)));
  });
  giveBack.addEventListener("click", () =>
    tried(async () => {
      const back = await field.giveBack(openPatchId());
      tell(tn("{count} patch is back in the queue.", "{count} patches are back in the queue.", back), "success");
    }),
  );
  field.store.subscribe((state) => {
    take.disabled = giveBack.disabled = state.loading !== null;
    giveBack.hidden = state.here === 0;
    status.textContent = sentence(state);
    find("#field").dataset["here"] = String(state.here);
    find("#field").dataset["loading"] = String(state.loading !== null);
  });
}

/** @param {FieldState} state */
function sentence({ here, heldUntil, loaded, loading }) {
  if (loading !== null) return t("{loaded} of {loading} are loaded. Stay connected until all of them are.", { loaded, loading });
  if (!here || heldUntil === null) return t("Patches with their imagery are loaded into this browser and held for you for a day.");
  const values = { time: dayAndTimeOf(heldUntil) };
  return tn("{count} patch is in this browser and yours until {time}.", "{count} patches are in this browser and yours until {time}.", here, values);
}

/** @param {() => Promise<unknown>} work */
async function tried(work) {
  try {
    await work();
  } catch (error) {
    const { title, sentence: why } = explain(error);
    tell(`${title}. ${why}`, "warning");
  }
}
