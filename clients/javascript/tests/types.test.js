/** The types say what the code does: the same methods, the same names. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import * as client from "@objectstore/client";

const types = readFileSync(new URL("../types/index.d.ts", import.meta.url), "utf8");

function declared(name) {
  const [, body] = types.match(new RegExp(`export class ${name}[^{]*\\{\\n([\\s\\S]*?)\\n\\}`));
  return [...body.matchAll(/^ {2}(?!private)(\w+)\(/gm)].map(([, method]) => method);
}

for (const name of ["ObjectStore", "Body"]) {
  test(`every method of ${name} is declared, and no other`, () => {
    const written = Object.getOwnPropertyNames(client[name].prototype);
    const expected = name === "Body" ? written.filter((one) => one !== "constructor") : written;
    assert.deepEqual(declared(name).sort(), expected.sort());
  });
}

test("every exported name is declared", () => {
  const exported = Object.keys(client).filter((name) => name !== "default");
  const names = [...types.matchAll(/^export (?:class|const) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(names.sort(), exported.sort());
});
