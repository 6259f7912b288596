/** Keys under which the server does a repeated request once. */

/** `crypto.randomUUID` exists on secure origins only, and a field server may have none. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
