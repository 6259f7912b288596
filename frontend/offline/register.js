/** The service worker, where the browser has one: on localhost and behind HTTPS. */

/** The pages that it serves. */
const SCOPE = "/projects/";

export async function registerServiceWorker() {
  // Without it everything works but reloading the page while the server is out of reach.
  await navigator.serviceWorker?.register("/service-worker.js", { scope: SCOPE }).catch(() => {});
}
