import { existsSync, realpathSync, statSync } from "node:fs";
import { constants, type FileHandle, lstat, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { LoomError } from "@loom-bridge/protocol";
import { ToolFailure } from "../domain/tools/tool-failure.ts";
import { asFileFailure } from "./file-failure.ts";

/**
 * A directory that tools may use, and nothing outside it. Both methods open a directory, give it to `use` and close it;
 * they throw ToolFailure when the path leaves the root or goes through a symbolic link.
 */
export interface RootDirectory {
  /** Opens the directory at `path`. */
  inDirectory<Result>(path: string, use: (at: At) => Promise<Result>): Promise<Result>;
  /** Opens the directory that holds the last part of `path`, its `name`. With `create`, makes what is missing. */
  inParent<Result>(path: string, create: boolean, use: (at: At, name: string) => Promise<Result>): Promise<Result>;
}

/**
 * What to open for a name in an open directory: that very directory, even when somebody has moved or replaced it. "."
 * is the directory itself.
 */
export type At = (name: string) => string;

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const maxPathBytes = 4096;

/**
 * Node has no openat(2). On Linux the path /proc/self/fd/N/name does the same: it names an entry of the very directory
 * that was opened and checked, wherever that is now. Elsewhere the plain path is used, and somebody who can replace
 * directories inside the root at the right moment could lead a tool out of it.
 */
const hasDescriptorPaths = existsSync("/proc/self/fd/0");

/** @throws LoomError `invalid_argument` when there is no such directory, `unimplemented` on Windows. */
export function openRootDirectory(root: string): RootDirectory {
  if (O_NOFOLLOW === undefined || O_DIRECTORY === undefined) {
    throw new LoomError("unimplemented", "the file tools need O_NOFOLLOW, which this operating system does not have");
  }
  const rootPath = resolveRoot(root);
  const walk = async <Result>(
    shown: string,
    steps: readonly string[],
    create: boolean,
    use: (at: At) => Promise<Result>,
  ): Promise<Result> => {
    let directory = await openDirectory(rootPath, rootPath, shown);
    try {
      for (const step of steps) {
        const parent = directory;
        if (create) await makeDirectory(parent.at(step), shown);
        directory = await openDirectory(parent.at(step), join(parent.path, step), shown);
        await parent.handle.close();
      }
      return await use(directory.at);
    } finally {
      await directory.handle.close();
    }
  };
  return {
    inDirectory: (path, use) => walk(path, stepsOf(path), false, use),
    inParent(path, create, use) {
      const steps = stepsOf(path);
      const name = steps.pop() ?? ".";
      return walk(path, steps, create, (at) => use(at, name));
    },
  };
}

interface Directory {
  readonly handle: FileHandle;
  readonly path: string;
  readonly at: At;
}

async function openDirectory(target: string, plainPath: string, shown: string): Promise<Directory> {
  let handle: FileHandle;
  try {
    handle = await open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    // With O_DIRECTORY the kernel calls a symbolic link "not a directory"; only the message depends on this look.
    const isLink = await lstat(target).then(
      (stats) => stats.isSymbolicLink(),
      () => false,
    );
    throw asFileFailure(isLink ? { code: "ELOOP" } : error, shown);
  }
  const base = hasDescriptorPaths ? `/proc/self/fd/${handle.fd}` : plainPath;
  return { handle, path: plainPath, at: (name) => `${base}/${name}` };
}

async function makeDirectory(target: string, shown: string): Promise<void> {
  try {
    await mkdir(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw asFileFailure(error, shown);
  }
}

function stepsOf(path: string): string[] {
  const shown = JSON.stringify(path.slice(0, 200));
  if (path.includes("\0")) throw new ToolFailure("INVALID_ARGUMENTS", `path ${shown} has a NUL character`);
  const bytes = Buffer.byteLength(path);
  if (bytes > maxPathBytes) {
    throw new ToolFailure("INVALID_ARGUMENTS", `path has ${bytes} bytes; at most ${maxPathBytes} are allowed`);
  }
  if (path.startsWith("/")) {
    throw new ToolFailure("PERMISSION_DENIED", `path ${shown} is absolute; paths are relative to the tools' root`);
  }
  const steps = path.split("/").filter((step) => step !== "" && step !== ".");
  if (steps.includes("..")) {
    throw new ToolFailure("PERMISSION_DENIED", `path ${shown} has the step ".."; paths stay inside the tools' root`);
  }
  return steps;
}

function resolveRoot(root: string): string {
  try {
    const path = realpathSync(root);
    if (statSync(path).isDirectory()) return path;
  } catch (cause) {
    throw new LoomError("invalid_argument", `files.root ${JSON.stringify(root)} cannot be used: ${String(cause)}`, {
      cause,
      details: { field: "files.root" },
    });
  }
  throw new LoomError("invalid_argument", `files.root ${JSON.stringify(root)} is not a directory`, {
    details: { field: "files.root" },
  });
}
