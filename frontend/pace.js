/** When work is done that nobody waits for: after what is shown, and not under a moving hand. */

/** In a page that is not shown there are no frames. */
const NO_FRAME_MS = 250;
const IDLE_WITHIN_MS = 300;
const LOOK_AGAIN_MS = 100;

/** @returns {Promise<void>} once the page as it is now has been painted */
export function painted() {
  return new Promise((resolve) => {
    const inTime = setTimeout(resolve, NO_FRAME_MS);
    globalThis.requestAnimationFrame?.(() => {
      clearTimeout(inTime);
      // A frame's own callbacks come before its painting.
      setTimeout(resolve);
    });
  });
}

/**
 * @param {() => void} work
 * @param {() => boolean} isBusy while the person draws, the work waits
 * @returns {() => void} asks for it: many calls, one run
 */
export function whenIdle(work, isBusy) {
  let isQueued = false;
  const run = () => {
    if (isBusy()) {
      setTimeout(run, LOOK_AGAIN_MS);
      return;
    }
    isQueued = false;
    work();
  };
  return () => {
    if (isQueued) return;
    isQueued = true;
    // Safari has no such callback yet.
    if ("requestIdleCallback" in globalThis) requestIdleCallback(run, { timeout: IDLE_WITHIN_MS });
    else setTimeout(run, LOOK_AGAIN_MS);
  };
}

/**
 * @param {() => void} work
 * @returns {() => void} asks for it: many changes in one turn, one run after all of them
 */
export function onceATurn(work) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    queueMicrotask(() => {
      isAsked = false;
      work();
    });
  };
}
