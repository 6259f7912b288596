/** The page of access tokens: the button that copies the new one. */

const button = /** @type {HTMLButtonElement} */ (document.querySelector("[data-copies]"));
const field = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.copies ?? ""));
const copied = /** @type {HTMLElement} */ (document.getElementById("copied"));

button.addEventListener("click", async () => {
  // Selected in any case, so that a person can copy it where the browser does not let the page do it.
  field.select();
  try {
    // There is no clipboard for pages of another computer without HTTPS.
    await navigator.clipboard.writeText(field.value);
    copied.textContent = copied.dataset.done ?? "";
  } catch {
    copied.textContent = copied.dataset.failed ?? "";
  }
});
