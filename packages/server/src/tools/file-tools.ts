import { constants, lstat, open, opendir, rename, unlink } from "node:fs/promises";
import type { Runtime } from "@loom-bridge/protocol";
import type { BridgeTool, JsonValue } from "../domain/tools/bridge-tool.ts";
import { ToolFailure } from "../domain/tools/tool-failure.ts";
import { asFileFailure } from "./file-failure.ts";
import { openRootDirectory, type RootDirectory } from "./root-directory.ts";

export interface FileToolsOptions {
  /** The directory that the tools may use. Everything in it is open to whoever may call tools. */
  readonly root: string;
  /** Whether there is fs:write_file. Default: false. */
  readonly write?: boolean;
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const maxReadBytes = 1_048_576;
const maxEntries = 10_000;

/** fs:read_file, fs:list_dir and, if asked for, fs:write_file. They never follow symbolic links. */
export function createFileTools({ root, write = false }: FileToolsOptions, runtime: Runtime): BridgeTool[] {
  const directory = openRootDirectory(root);
  const tools = [createReadFile(directory), createListDir(directory)];
  return write ? [...tools, createWriteFile(directory, runtime)] : tools;
}

const pathSchema = { type: "string", minLength: 1, description: "Relative to the tools' root" };

function createReadFile(root: RootDirectory): BridgeTool {
  return {
    descriptor: describe("fs:read_file", "Reads a text file (UTF-8, at most 1 MiB).", { path: pathSchema }, ["path"]),
    run: (args) => {
      const { path } = args as { path: string };
      return guarded(path, () =>
        root.inParent(path, false, async (at, name) => {
          // Without O_NONBLOCK, opening a named pipe would wait for its other end.
          const handle = await open(at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
          try {
            const stats = await handle.stat();
            if (stats.isDirectory()) throw asFileFailure({ code: "EISDIR" }, path);
            if (!stats.isFile()) throw new ToolFailure("PERMISSION_DENIED", `${JSON.stringify(path)} is not a file`);
            // One byte more than allowed, because the file may have grown since.
            const buffer = Buffer.alloc(Math.min(stats.size, maxReadBytes) + 1);
            let length = 0;
            while (length < buffer.length) {
              const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
              if (bytesRead === 0) break;
              length += bytesRead;
            }
            if (length > maxReadBytes || stats.size > maxReadBytes) throw tooLarge(path, Math.max(stats.size, length));
            return { content: decode(buffer.subarray(0, length), path) };
          } finally {
            await handle.close();
          }
        }),
      );
    },
  };
}

function createListDir(root: RootDirectory): BridgeTool {
  return {
    descriptor: describe("fs:list_dir", "Lists a directory, sorted by name.", {
      path: { ...pathSchema, default: "." },
    }),
    run: (args) => {
      const { path = "." } = args as { path?: string };
      return guarded(path, () =>
        root.inDirectory(path, async (at) => {
          const entries: { name: string; is_dir: boolean; size: number }[] = [];
          for await (const { name } of await opendir(at("."))) {
            if (entries.length === maxEntries) {
              throw new ToolFailure(
                "EXECUTION_ERROR",
                `${JSON.stringify(path)} has more than ${maxEntries} entries, too many to list`,
                { details: { reason: "too_large" } },
              );
            }
            const stats = await lstat(at(name)).catch(goneSince);
            if (stats !== undefined) entries.push({ name, is_dir: stats.isDirectory(), size: stats.size });
          }
          return { path, entries: entries.sort((left, right) => (left.name < right.name ? -1 : 1)) };
        }),
      );
    },
  };
}

function createWriteFile(root: RootDirectory, runtime: Runtime): BridgeTool {
  return {
    descriptor: describe(
      "fs:write_file",
      "Writes a text file (UTF-8), with the directories it needs. Replaces what was there as a whole or not at all.",
      { path: pathSchema, content: { type: "string" } },
      ["path", "content"],
    ),
    run: (args, { signal }) => {
      const { path, content: text } = args as { path: string; content: string };
      const content = Buffer.from(text);
      return guarded(path, () =>
        root.inParent(path, true, async (at, name) => {
          if (name === "." || path.endsWith("/")) throw asFileFailure({ code: "EISDIR" }, path);
          const temporary = at(`.loom-bridge-${runtime.uuid()}.tmp`);
          try {
            await writeNew(temporary, content, at(name));
            signal.throwIfAborted();
            // Replaces a symbolic link instead of writing through it.
            await rename(temporary, at(name));
          } catch (error) {
            await unlink(temporary).catch(() => {
              // Not there: it was never made.
            });
            throw error;
          }
          return { success: true, path, bytes_written: content.length };
        }),
      );
    },
  };
}

/** A file that is replaced keeps its permissions. */
async function writeNew(target: string, content: Buffer, replaced: string): Promise<void> {
  const old = await lstat(replaced).catch(goneSince);
  const handle = await open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  try {
    await handle.writeFile(content);
    if (old?.isFile()) await handle.chmod(old.mode & 0o777);
  } finally {
    await handle.close();
  }
}

async function guarded(path: string, run: () => Promise<JsonValue>): Promise<JsonValue> {
  try {
    return await run();
  } catch (error) {
    throw asFileFailure(error, path);
  }
}

function goneSince(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ToolFailure("EXECUTION_ERROR", `${JSON.stringify(path)} is not UTF-8 text`, {
      cause,
      details: { reason: "not_text" },
    });
  }
}

function tooLarge(path: string, bytes: number): ToolFailure {
  return new ToolFailure(
    "EXECUTION_ERROR",
    `${JSON.stringify(path)} has ${bytes} bytes; at most ${maxReadBytes} can be read`,
    { details: { reason: "too_large" } },
  );
}

function describe(
  name: string,
  description: string,
  properties: Readonly<Record<string, JsonValue>>,
  required: readonly string[] = [],
): BridgeTool["descriptor"] {
  const schema = { type: "object", properties, required, additionalProperties: false };
  // Writing the same content twice leaves the same file.
  const effect = name === "fs:write_file" ? "idempotent" : "read";
  return { name, description, parametersSchema: JSON.stringify(schema), metadata: {}, effect };
}
