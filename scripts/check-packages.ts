import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

// Builds the packages from nothing, packs them, and judges the tarballs as their users would get them: publint and
// attw read them, and Node loads every entry of them.

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

// Inside the repository, so that what is unpacked there finds nothing but what is linked there.
const scratch = resolve(".cache/packed");
rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });

// Without this a file that was renamed would stay in dist/ and be published.
for (const output of globSync("packages/*/{bundle,dist,*.tsbuildinfo}")) rmSync(output, { recursive: true });
if (spawnSync("tsc", ["-b"]).status !== 0) {
  console.error("The packages do not build; see: pnpm check types");
  process.exit(1);
}
await import("./bundle.ts");
execFileSync("pnpm", ["--recursive", "--filter", "./packages/*", "pack", "--pack-destination", scratch]);

const problems: string[] = [];
const folders = globSync("packages/*/package.json").map(dirname).sort();
for (const folder of folders) {
  const { name, version } = readManifest(folder);
  const tarball = join(scratch, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
  expectSuccess("publint", ["run", tarball, "--strict"]);
  expectSuccess("attw", [tarball, "--profile", "esm-only"]);
  install(folder, name, tarball);
}
for (const folder of folders) loadEntries(readManifest(folder).name);

for (const problem of problems) console.error(problem);
if (folders.length === 0 || problems.length > 0) process.exitCode = 1;

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Unpacks a tarball where a project would have it, and links the dependencies that it declares. */
function install(folder: string, name: string, tarball: string): void {
  const target = join(scratch, "node_modules", name);
  mkdirSync(target, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
  const tests = globSync("**/*.test*.*", { cwd: target });
  if (tests.length > 0) problems.push(`${name} would publish ${tests.join(", ")}; see "files" in its package.json`);
  const { dependencies, peerDependencies } = readManifest(target);
  for (const dependency of Object.keys({ ...dependencies, ...peerDependencies })) {
    if (dependency.startsWith("@loom-bridge/")) continue;
    const link = join(scratch, "node_modules", dependency);
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { force: true });
    symlinkSync(realpathSync(join(folder, "node_modules", dependency)), link);
  }
}

function loadEntries(name: string): void {
  const { exports, bin } = readManifest(join(scratch, "node_modules", name));
  for (const entry of Object.keys(exports).filter((key) => !key.endsWith(".json"))) {
    const program = `await import(${JSON.stringify(join(name, entry))})`;
    expectSuccess(process.execPath, ["--input-type=module", "--eval", program], scratch);
  }
  for (const file of Object.values(bin ?? {})) {
    expectSuccess(process.execPath, [join("node_modules", name, file), "--help"], scratch);
  }
}

function expectSuccess(command: string, args: readonly string[], cwd?: string): void {
  const result = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    timeout: 60_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (result.status === 0) return;
  problems.push(`$ ${[command, ...args].join(" ")}\n${result.error?.message ?? result.stdout + result.stderr}`);
}
