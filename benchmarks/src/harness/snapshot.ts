import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../../..");

/** The packages and the benchmarks as they are published: built, and apart from the sources. */
export interface Snapshot {
  readonly folder: string;
  /** A built file of the benchmarks, by its path in their sources without the ending. */
  file(path: string): string;
  /** The built command of the server. */
  readonly command: string;
  remove(): void;
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly exports: object };
}

/**
 * Builds everything and copies it into a folder of its own. What users run is measured, and a file that is saved
 * meanwhile changes nothing.
 * @throws Error when something does not compile.
 */
export function createSnapshot(): Snapshot {
  const built = spawnSync(join(root, "node_modules/.bin/tsc"), ["-b", "benchmarks"], { cwd: root, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`the benchmarks do not build:\n${built.error?.message ?? built.stdout}`);
  execFileSync(process.execPath, ["--import=tsx", "scripts/bundle.ts"], { cwd: root });
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "loom-bridge-bench-")));
  const modules = join(folder, "node_modules");
  for (const source of globSync("packages/{protocol,client,server,testing}", { cwd: root }))
    install(join(root, source), modules);
  cpSync(join(root, "benchmarks/dist"), join(folder, "dist"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  linkDependencies(join(root, "benchmarks"), modules);
  return {
    folder,
    file: (path) => join(folder, "dist", `${path}.js`),
    command: join(modules, "@loom-bridge/server/bundle/cli/main.js"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function install(source: string, modules: string): void {
  const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as Manifest;
  const target = join(modules, manifest.name);
  mkdirSync(target, { recursive: true });
  for (const output of ["bundle", "dist"]) cpSync(join(source, output), join(target, output), { recursive: true });
  writeFileSync(join(target, "package.json"), JSON.stringify({ ...manifest, ...manifest.publishConfig }));
  linkDependencies(source, modules);
}

function linkDependencies(source: string, modules: string): void {
  const { dependencies = {} } = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as Manifest;
  for (const name of Object.keys(dependencies)) {
    const link = join(modules, name);
    if (name.startsWith("@loom-bridge/") || existsSync(link)) continue;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(realpathSync(join(source, "node_modules", name)), link);
  }
}
