import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { root } from "./markdown.ts";

// What editors show of a package to those who never open its source.

interface Exported {
  readonly name: string;
  readonly file: string;
}

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:interface|type|class|function\*?|const|enum) (\w+)/gm;

/** What a module exports, with the file that declares it. */
function exportsOf(file: string): Exported[] {
  const text = readFileSync(file, "utf8");
  const here = Array.from(text.matchAll(declaration), ([, name = ""]) => ({ name, file }));
  const passedOn = [...text.matchAll(/export (?:type )?\{([^}]*)\}\s*from\s*"(\.[^"]+)"/g)].flatMap(
    ([, names = "", from = ""]) =>
      names
        .split(",")
        .map((name) => name.trim().replace(/^type /, ""))
        .filter((name) => name !== "")
        .map((name) => declarationOf(name.split(" as ")[0] ?? name, join(dirname(file), from))),
  );
  return [...here, ...passedOn];
}

function declarationOf(name: string, file: string): Exported {
  const found = exportsOf(file).find((one) => one.name === name);
  assert.ok(found !== undefined, `${file} does not export ${name}`);
  return found;
}

function isDescribed({ name, file }: Exported): boolean {
  const lines = readFileSync(file, "utf8").split("\n");
  const at = lines.findIndex((line) => new RegExp(declaration.source).exec(line)?.[1] === name);
  return lines[at - 1]?.endsWith("*/") === true;
}

for (const name of ["protocol", "client", "server", "testing"]) {
  test(`everything that @loom-bridge/${name} exports is described where it is declared`, () => {
    const folder = join(root, "packages", name);
    const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
      exports: Record<string, string>;
    };
    const modules = Object.values(exports).filter((path) => path.endsWith(".ts"));
    const all = modules.flatMap((path) => exportsOf(join(folder, path))).filter(({ file }) => !file.includes("/gen/"));
    assert.ok(all.length > 10);
    const bare = all.filter((one) => !isDescribed(one));
    assert.deepEqual(
      bare.map((one) => `${one.name} in ${relative(root, one.file)}`),
      [],
    );
  });
}
