/**
 * Keeps the progress of a training run or an inference job up to date on its page in the administration:
 * the server draws the part again while it works, and at the end the whole page is loaded anew.
 */
import { request } from "./api/http.js";

const PAUSE_MS = 2000;

const box = document.querySelector("[data-live-url]");
if (box instanceof HTMLElement) keepFresh(box);

/** @param {HTMLElement} box */
async function keepFresh(box) {
  showEndOfLog(box);
  while (isActive(box)) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (!document.hidden) await refresh(box);
  }
  location.reload();
}

/** @param {HTMLElement} box */
async function refresh(box) {
  try {
    const response = await request(box.dataset.liveUrl ?? "", { pausesMs: [] });
    // Signed out meanwhile: the page stays as it is until it is loaded again.
    if (response.redirected) return;
    box.innerHTML = await response.text();
    showEndOfLog(box);
  } catch {
    // The server does not answer at the moment; the next turn asks again.
  }
}

/** @param {HTMLElement} box */
function isActive(box) {
  return box.querySelector("[data-active]")?.getAttribute("data-active") === "1";
}

/** @param {HTMLElement} box */
function showEndOfLog(box) {
  const log = box.querySelector("pre");
  if (log) log.scrollTop = log.scrollHeight;
}
