import { globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { build } from "rolldown";

// Writes the code of each package as its users get it: a file for each entry, and one for each part that is loaded
// later. Each module takes Node about 0.2 ms to load. Types stay in dist/, a file for each.

interface Manifest {
  readonly publishConfig: {
    readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
    readonly bin?: Readonly<Record<string, string>>;
  };
}

const output = "bundle";

for (const folder of globSync("packages/*/package.json").map((manifest) => resolve(dirname(manifest)))) {
  const { publishConfig } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const published = [...Object.values(publishConfig.exports), ...Object.values(publishConfig.bin ?? {})]
    .map((entry) => (typeof entry === "string" ? entry : entry.default))
    .flatMap((entry) => new RegExp(`^\\./${output}/(.*)\\.js$`).exec(entry)?.[1] ?? []);
  await build({
    cwd: folder,
    input: Object.fromEntries(published.map((entry) => [entry, `./src/${entry}.ts`])),
    // Other packages, ours too, are there once for all who use them.
    external: /^[^./]/,
    platform: "node",
    // The oldest Node that users may have: newer syntax is rewritten for it.
    transform: { target: "node22.14" },
    output: {
      dir: join(folder, output),
      cleanDir: true,
      sourcemap: true,
      // They are published.
      sourcemapExcludeSources: true,
    },
    onLog(_level, log) {
      throw new Error(`${folder}: ${log.message}`);
    },
  });
}
