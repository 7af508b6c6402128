import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { LoomError, systemRuntime } from "@loom-bridge/protocol";
import type { BridgeToolContext } from "../domain/tools/bridge-tool.ts";
import { ToolFailure } from "../domain/tools/tool-failure.ts";
import { createTypeboxCompiler } from "../schema/typebox-compiler.ts";
import { createFileTools } from "./file-tools.ts";

let base = "";
let root = "";
before(async () => {
  base = await mkdtemp(join(tmpdir(), "file-tools-"));
});
after(() => rm(base, { recursive: true }));
beforeEach(async () => {
  await rm(join(base, "root"), { recursive: true, force: true });
  await rm(join(base, "outside"), { recursive: true, force: true });
  root = join(base, "root");
  await mkdir(root);
  await mkdir(join(base, "outside"));
  await writeFile(join(base, "outside", "secret.txt"), "secret");
});

const context = (signal = new AbortController().signal): BridgeToolContext => ({
  signal,
  caller: "",
  callers: [],
  headers: {},
  correlationId: "",
  timeoutMs: 1000,
});
const run = (name: string, args: Record<string, unknown>, signal?: AbortSignal) => {
  const tool = createFileTools({ root, write: true }, systemRuntime).find(({ descriptor }) => descriptor.name === name);
  assert.ok(tool);
  return tool.run(args, context(signal));
};
const read = (path: string) => run("fs:read_file", { path });
const list = (path?: string) => run("fs:list_dir", path === undefined ? {} : { path });
const write = (path: string, content = "new", signal?: AbortSignal) => run("fs:write_file", { path, content }, signal);
const fails = (promise: Promise<unknown>, code: ToolFailure["code"], message: RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof ToolFailure, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.ok(!error.message.includes(base), "the place on the disk is not told");
    return true;
  });

test("a file is written with its directories, read back and listed", async () => {
  assert.deepEqual(await write("notes/today/ü.txt", "grüße"), {
    success: true,
    path: "notes/today/ü.txt",
    bytes_written: 7,
  });
  assert.deepEqual(await read("./notes//today/ü.txt"), { content: "grüße" });
  assert.deepEqual(await list("notes/today"), {
    path: "notes/today",
    entries: [{ name: "ü.txt", is_dir: false, size: 7 }],
  });
  await write("a.txt", "1");
  const { entries } = (await list()) as unknown as { entries: { name: string; is_dir: boolean }[] };
  assert.deepEqual(
    entries.map(({ name, is_dir }) => [name, is_dir]),
    [
      ["a.txt", false],
      ["notes", true],
    ],
  );
});

test("paths with .. and absolute paths are refused, also where they would stay inside", async () => {
  await write("a/b.txt");
  for (const path of [
    "..",
    "../outside/secret.txt",
    "a/../../outside/secret.txt",
    "a/../a/b.txt",
    "/etc/passwd",
    "/",
  ]) {
    for (const attempt of [read(path), list(path), write(path)])
      await fails(attempt, "PERMISSION_DENIED", /absolute|"\.\."/);
  }
  await fails(read("a\0b"), "INVALID_ARGUMENTS", /NUL/);
  await fails(read("x".repeat(5000)), "INVALID_ARGUMENTS", /5000 bytes/);
});

test("symbolic links are not followed: at the end, in the middle, dangling, relative, to inside", async () => {
  await write("dir/inside.txt");
  await symlink(join(base, "outside"), join(root, "link"));
  await symlink(join(base, "outside", "secret.txt"), join(root, "file-link"));
  await symlink("../outside", join(root, "relative"));
  await symlink(join(base, "outside", "new.txt"), join(root, "dangling"));
  await symlink("dir", join(root, "to-inside"));
  await symlink("../../outside", join(root, "dir", "deep"));
  for (const path of ["link/secret.txt", "relative/secret.txt", "dir/deep/secret.txt", "to-inside/inside.txt"]) {
    await fails(read(path), "PERMISSION_DENIED", /symbolic link/);
    await fails(write(path), "PERMISSION_DENIED", /symbolic link/);
    await fails(write(`${path}/more/x.txt`), "PERMISSION_DENIED", /symbolic link/);
  }
  for (const path of ["link", "relative", "dir/deep", "to-inside", "file-link"]) {
    await fails(list(path), "PERMISSION_DENIED", /symbolic link/);
  }
  for (const path of ["file-link", "dangling", "link"]) await fails(read(path), "PERMISSION_DENIED", /symbolic link/);
  assert.deepEqual(await readdir(join(base, "outside")), ["secret.txt"]);
  assert.equal(await readFile(join(base, "outside", "secret.txt"), "utf8"), "secret");
});

test("writing to a symbolic link replaces the link and not what it leads to", async () => {
  await symlink(join(base, "outside", "secret.txt"), join(root, "file-link"));
  await write("file-link", "mine");
  assert.equal(await readFile(join(base, "outside", "secret.txt"), "utf8"), "secret");
  assert.deepEqual(await read("file-link"), { content: "mine" });
});

test("a directory that keeps turning into a symbolic link never leads outside", async () => {
  const flipping = join(root, "flip");
  let done = false;
  // Each step may meet what a write has just made; the next round mends it.
  const ignored = (step: Promise<unknown>) => step.catch(() => {});
  const flip = (async () => {
    while (!done) {
      await ignored(rm(flipping, { recursive: true, force: true }));
      await ignored(symlink(join(base, "outside"), flipping));
      await ignored(unlink(flipping));
      await ignored(mkdir(flipping));
      await ignored(writeFile(join(root, "flip-inside"), "inside"));
      await ignored(rename(join(root, "flip-inside"), join(flipping, "secret.txt")));
    }
  })();
  const outcomes = new Set<unknown>();
  const metBoth = () => outcomes.has("inside") && outcomes.has("PERMISSION_DENIED");
  for (let round = 0; round < 200 || (!metBoth() && round < 10_000); round += 1) {
    const attempts = [read("flip/secret.txt"), write("flip/written.txt"), write("flip/sub/written.txt"), list("flip")];
    for (const result of await Promise.allSettled(attempts)) {
      if (result.status === "fulfilled") outcomes.add((result.value as { content?: string }).content);
      else if (result.reason instanceof ToolFailure) outcomes.add(result.reason.code);
      else throw result.reason;
    }
  }
  done = true;
  await flip;
  assert.ok(metBoth());
  assert.ok(!outcomes.has("secret"));
  assert.deepEqual(await readdir(join(base, "outside")), ["secret.txt"]);
});

test("a missing file fails as such and not as a missing tool", async () => {
  await assert.rejects(
    read("nope.txt"),
    (error) => error instanceof ToolFailure && error.details["reason"] === "not_found",
  );
  await fails(read("nope/x.txt"), "EXECUTION_ERROR", /"nope\/x.txt" does not exist/);
  await fails(list("nope"), "EXECUTION_ERROR", /does not exist/);
});

test("what is no regular file is not read, and does not hang", async () => {
  await mkdir(join(root, "dir"));
  execFileSync("mkfifo", [join(root, "pipe")]);
  await fails(read("dir"), "EXECUTION_ERROR", /is a directory/);
  await fails(read("."), "EXECUTION_ERROR", /is a directory/);
  await fails(read("pipe"), "PERMISSION_DENIED", /is not a file/);
  await write("a.txt");
  await fails(list("a.txt"), "EXECUTION_ERROR", /is not a directory/);
  await fails(read("a.txt/b"), "EXECUTION_ERROR", /is not a directory/);
});

test("1 MiB can be read, one byte more and what is no text cannot", async () => {
  await writeFile(join(root, "full"), "x".repeat(1_048_576));
  assert.equal(((await read("full")) as { content: string }).content.length, 1_048_576);
  await writeFile(join(root, "over"), "x".repeat(1_048_577));
  await fails(read("over"), "EXECUTION_ERROR", /1048577 bytes; at most 1048576/);
  await writeFile(join(root, "binary"), Buffer.from([0xff, 0xfe, 0x00]));
  await fails(read("binary"), "EXECUTION_ERROR", /not UTF-8/);
  await writeFile(join(root, "bom"), "\ufeffx");
  assert.deepEqual(await read("bom"), { content: "\ufeffx" });
});

test("a write replaces a file as a whole, keeps its permissions and leaves nothing else behind", async () => {
  await write("run.sh", "old");
  await chmod(join(root, "run.sh"), 0o750);
  await write("run.sh", "new");
  assert.equal((await stat(join(root, "run.sh"))).mode & 0o777, 0o750);
  await fails(write("."), "EXECUTION_ERROR", /is a directory/);
  await mkdir(join(root, "dir"));
  await fails(write("dir"), "EXECUTION_ERROR", /is a directory/);
  await assert.rejects(write("run.sh", "late", AbortSignal.abort()));
  assert.deepEqual(await read("run.sh"), { content: "new" });
  assert.deepEqual((await readdir(root)).sort(), ["dir", "run.sh"]);
});

test("writing must be asked for, a root must be a directory, and every schema compiles", async () => {
  const names = createFileTools({ root }, systemRuntime).map(({ descriptor }) => descriptor.name);
  assert.deepEqual(names, ["fs:read_file", "fs:list_dir"]);
  await write("file");
  for (const bad of [join(root, "nope"), join(root, "file")]) {
    assert.throws(() => createFileTools({ root: bad }, systemRuntime), LoomError.isInstance);
  }
  for (const { descriptor } of createFileTools({ root, write: true }, systemRuntime)) {
    const schema = createTypeboxCompiler().compile(descriptor.parametersSchema);
    assert.equal(schema.check({ path: "" }, 100).length > 0, true);
    assert.equal(schema.check({ path: "x", content: "", other: 1 }, 100).length > 0, true);
  }
});
