import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { durationOf, number, percent, t, tn } from "../../frontend/i18n.js";

afterEach(() => {
  delete globalThis.django;
  delete globalThis.document;
});

test("without a catalogue the message itself is shown, filled in", () => {
  assert.equal(t("Undo"), "Undo");
  assert.equal(t("Saved as revision {number}.{more}", { number: 3, more: "" }), "Saved as revision 3.");
  assert.equal(tn("{count} region", "{count} regions", 1), "1 region");
  assert.equal(tn("{count} region", "{count} regions", 1200), "1,200 regions");
});

test("a value is never read as a placeholder, nor as a pattern", () => {
  assert.equal(t("{name} saved {what}", { name: "{what} $&", what: "it" }), "{what} $& saved it");
  assert.equal(t("{nobody}", {}), "{nobody}");
});

test("the catalogue's words and the page's language are used", () => {
  globalThis.django = { gettext: (message) => ({ Undo: "Deshacer" })[message] ?? message, ngettext: (_, other) => `¡${other}!` };
  globalThis.document = { documentElement: { lang: "es", dir: "ltr" } };
  assert.equal(t("Undo"), "Deshacer");
  assert.equal(tn("{count} region", "{count} regions", 1), "¡1 regions!");
  assert.equal(number(1234567.5, 1), "1.234.567,5");
  assert.equal(percent(0.25), "25 %");
});

test("Arabic and Hindi keep the digits of the server", () => {
  for (const lang of ["ar", "hi"]) {
    globalThis.document = { documentElement: { lang, dir: "ltr" } };
    assert.match(number(12), /^12$/);
  }
});

test("from right to left, what is filled in keeps its own direction", () => {
  globalThis.document = { documentElement: { lang: "ar", dir: "rtl" } };
  assert.equal(t("{shown} and {other}", { shown: "2022-10-03", other: "x" }), "\u20682022-10-03\u2069 and \u2068x\u2069");
});

test("a time of work in minutes and seconds", () => {
  assert.deepEqual([45, 245].map(durationOf), ["45 s", "4 min 5 s"]);
});
