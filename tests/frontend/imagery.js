/** Drawn imagery whose fields, edges and colours are known. */

/** @param {(x: number, y: number) => [number, number, number]} colourAt */
export function imagery(colourAt) {
  const rgba = new Uint8ClampedArray(4 * 65536);
  for (let i = 0; i < 65536; i++) rgba.set([...colourAt(i % 256, Math.floor(i / 256)), 255], 4 * i);
  return rgba;
}

const GREEN = [70, 130, 60];
const BROWN = [150, 110, 70];

/** Two fields that meet at a wavy line, with the speckle of a sensor. */
export function twoFields(random) {
  const noise = () => random.integer(13) - 6;
  return imagery((x, y) => {
    const n = noise();
    return (isLeft(x, y) ? GREEN : BROWN).map((byte) => byte + n);
  });
}

/** Where the two fields meet. */
export const seam = (y) => 128 + 20 * Math.sin(y / 30);
export const isLeft = (x, y) => x + 0.5 < seam(y + 0.5);
