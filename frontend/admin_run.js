/**
 * Keeps the progress of a training run or an inference job up to date on its page in the administration: the
 * server draws it again while it works, and each part whose content differs is replaced, so that the focus, an
 * opened table and the place in the log stay. At the end the whole page is loaded anew.
 */
import { request } from "./api/http.js";

const PAUSE_MS = 2000;

const box = document.querySelector("[data-live-url]");
if (box instanceof HTMLElement) keepFresh(box);

/** @param {HTMLElement} box */
async function keepFresh(box) {
  const log = box.querySelector("[data-part=log]");
  if (log) log.scrollTop = log.scrollHeight;
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
    replaceParts(box, new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch {
    // The server does not answer at the moment; the next turn asks again.
  }
}

/**
 * @param {HTMLElement} box
 * @param {Document} fresh
 */
function replaceParts(box, fresh) {
  for (const part of box.querySelectorAll("[data-part]")) {
    const now = fresh.querySelector(`[data-part="${part.getAttribute("data-part")}"]`);
    if (!now || now.innerHTML === part.innerHTML) continue;
    const isAtEnd = part.scrollTop + part.clientHeight >= part.scrollHeight - 4;
    part.innerHTML = now.innerHTML;
    if (isAtEnd) part.scrollTop = part.scrollHeight;
  }
  for (const details of box.querySelectorAll("details[hidden]")) {
    if (details.querySelector("tbody tr")) details.removeAttribute("hidden");
  }
  const active = fresh.querySelector("[data-active]")?.getAttribute("data-active") ?? "1";
  box.querySelector("[data-active]")?.setAttribute("data-active", active);
}

/** @param {HTMLElement} box */
function isActive(box) {
  return box.querySelector("[data-active]")?.getAttribute("data-active") === "1";
}
