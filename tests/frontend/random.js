/** Seeded random numbers, so that a failing case can be run again. */

/** @param {number} seed */
export function seeded(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const integer = (/** @type {number} */ below) => Math.floor(next() * below);
  return { next, integer, point: (margin = 40) => ({ x: next() * (256 + 2 * margin) - margin, y: next() * (256 + 2 * margin) - margin }) };
}

/** A mask of a few classes in blobs. */
export function randomMask(/** @type {ReturnType<typeof seeded>} */ random, classes = 4) {
  const mask = new Uint8Array(65536);
  for (let n = 0; n < 30; n++) {
    const value = random.integer(classes);
    const x0 = random.integer(256);
    const y0 = random.integer(256);
    const w = 1 + random.integer(80);
    const h = 1 + random.integer(80);
    for (let y = y0; y < Math.min(256, y0 + h); y++) mask.fill(value, y * 256 + x0, y * 256 + Math.min(256, x0 + w));
  }
  return mask;
}
