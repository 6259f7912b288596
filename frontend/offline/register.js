/** The service worker, where the browser has one: on localhost and behind HTTPS. */

/** The pages that it serves. */
const SCOPE = "/projects/";

export async function registerServiceWorker() {
  try {
    const isFirst = navigator.serviceWorker.controller === null;
    await navigator.serviceWorker.register("/service-worker.js", { scope: SCOPE });
    await navigator.serviceWorker.ready;
    // This page came before it, so the worker has not seen it.
    if (isFirst) await (await caches.open("milpa-pages")).add(globalThis.location.pathname);
  } catch {
    // Without it everything works but reloading the page while the server is out of reach.
  }
}
