/**
 * The page of band combinations: while one writes, the scene is shown by what is written. Without scripts a button does
 * the same.
 */
import { explain } from "./api/errors.js";
import { request } from "./api/http.js";
import { find, make } from "./ui/elements.js";

const WAIT_MS = 400;

const form = document.querySelector("#composite-form");
if (form instanceof HTMLFormElement) {
  const preview = find("#preview");
  let timer = 0;
  let asking = new AbortController();

  const look = async () => {
    asking.abort();
    asking = new AbortController();
    const fields = new FormData(form);
    fields.set("preview", "1");
    const { signal } = asking;
    try {
      const answer = await request(location.href, { method: "POST", body: fields, signal, isRepeatable: true });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#preview");
      if (signal.aborted) return;
      // A page without one asks to sign in.
      if (fresh) preview.replaceChildren(...fresh.childNodes);
      else location.reload();
    } catch (error) {
      if (signal.aborted) return;
      const { title, sentence } = explain(error);
      preview.replaceChildren(make("p", { class: "notice notice--error" }, `${title}. ${sentence}`));
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT_MS);
  });
}
