/**
 * Write dist/index.cjs: the modules of source/ joined into one for `require`.
 *
 * The modules hold only named imports of each other and exported declarations, so
 * joining them in the order of their imports is all there is to do; a name declared
 * twice would not parse, and the build runs what it wrote.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const IMPORT = /^import \{[^}]*\} from "(\.\/[^"]+)";\n/gm;
const EXPORT = /^export (?=(async )?(class|function|const))/gm;
const REEXPORT = /^export \{[^}]*\}( from "(\.\/[^"]+)")?;\n/gm;

function ordered(name, seen = new Set()) {
  if (seen.has(name)) return [];
  seen.add(name);
  const text = readFileSync(new URL(`source/${name}`, import.meta.url), "utf8");
  const needed = [...text.matchAll(IMPORT)].map((found) => found[1].slice(2));
  return [...needed.flatMap((one) => ordered(one, seen)), text];
}

const joined = ordered("client.js").map((text) =>
  text.replace(IMPORT, "").replace(REEXPORT, "").replace(EXPORT, ""),
);
const target = new URL("dist/index.cjs", import.meta.url);
mkdirSync(new URL(".", target), { recursive: true });
writeFileSync(
  target,
  [
    '"use strict";\n',
    ...joined,
    "module.exports = Object.assign(ObjectStore, { ObjectStore, Body, ...errors });\n",
  ].join("\n"),
);
createRequire(import.meta.url)(target.pathname);
