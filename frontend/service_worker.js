/**
 * Serves the editor from this browser: its files from a cache of their version, its page and the imagery of patches
 * that were taken offline when the server is out of reach. What is drawn never passes here: it is in IndexedDB.
 *
 * The server writes `MILPA_VERSION` and `MILPA_FILES` before this text.
 */

/**
 * @typedef {Event & {waitUntil: (work: Promise<unknown>) => void}} LifeEvent
 * @typedef {Event & {request: Request, respondWith: (response: Promise<Response>) => void}} FetchEvent
 *
 * @typedef {object} ServingWorker as far as it is used here; the page's types know none
 * @property {(type: string, listener: (event: any) => void) => void} addEventListener
 * @property {() => Promise<void>} skipWaiting
 * @property {{claim: () => Promise<void>}} clients
 * @property {Location} location
 * @property {string} MILPA_VERSION
 * @property {string[]} MILPA_FILES addresses
 */
const worker = /** @type {ServingWorker} */ (/** @type {unknown} */ (globalThis));
const { MILPA_VERSION, MILPA_FILES } = worker;
const FILES = `milpa-files-${MILPA_VERSION}`;
const PAGES = "milpa-pages";
const PAGE_TIMEOUT_MS = 5000;
/** The page came from a server of another version, so its files must come from there too. */
let isOutdated = false;

worker.addEventListener("install", (/** @type {LifeEvent} */ event) => event.waitUntil(install()));
worker.addEventListener("activate", (/** @type {LifeEvent} */ event) => event.waitUntil(activate()));

async function install() {
  const cache = await caches.open(FILES);
  // Straight from the server: an older file of the same name may be in the browser's own cache.
  await cache.addAll(MILPA_FILES.map((url) => new Request(url, { cache: "no-cache" })));
  await worker.skipWaiting();
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("milpa-files-") && name !== FILES).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

worker.addEventListener("fetch", (/** @type {FetchEvent} */ event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin) return;
  if (request.mode === "navigate") {
    if (/^\/projects\/[^/]+\/annotate\/$/.test(pathname)) event.respondWith(page(request));
  } else if (pathname.startsWith("/tiles/scenes/")) event.respondWith(tile(request));
  else if (pathname.startsWith("/static/") || pathname.startsWith("/languages/")) event.respondWith(file(request));
});

/**
 * The server's page, else the last one that it gave.
 *
 * @param {Request} request
 */
async function page(request) {
  const cache = await caches.open(PAGES);
  const name = new URL(request.url).pathname;
  const last = await cache.match(name);
  const asked = fetch(request).then(async (response) => {
    const version = response.headers.get("Milpa-Version");
    isOutdated = version !== null && version !== MILPA_VERSION;
    if (response.ok && version !== null) await cache.put(name, response.clone());
    return response;
  });
  if (!last) return asked;
  const late = new Promise((resolve) => setTimeout(resolve, PAGE_TIMEOUT_MS, last));
  return /** @type {Promise<Response>} */ (Promise.race([asked.catch(() => last), late]));
}

/** @param {Request} request */
async function tile(request) {
  return (await caches.match(request, { cacheName: "milpa-field" })) ?? fetch(request);
}

/** @param {Request} request */
async function file(request) {
  const kept = await caches.match(request, { cacheName: FILES });
  if (kept && !isOutdated) return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}
