import { z } from "zod";
import type { Child, Processes } from "./processes.ts";
import { within } from "./within.ts";

// The `loom-bridge` command, from source: an installed one is started with `npx loom-bridge up …`.
const command = new URL("cli/main.ts", import.meta.resolve("@loom-bridge/server"));

const Listening = z.object({ event: z.literal("listening"), address: z.string() });

export interface RunningBridge extends Child {
  /** host:port */
  readonly address: string;
}

/** Starts a bridge on a free port of this machine, with its memory in an SQLite file. */
export async function startBridge(processes: Processes, dataFile: string, signal: AbortSignal): Promise<RunningBridge> {
  const { promise: firstLine, resolve } = Promise.withResolvers<string>();
  const child = processes.start({
    name: "bridge",
    file: command,
    args: ["up", "--address", "127.0.0.1:0", "--store", "sqlite", "--data", dataFile, "--log-level", "warn", "--json"],
    onLine: resolve,
  });
  const line = await within(30_000, signal, () => "the bridge did not say where it listens", firstLine);
  return { ...child, address: Listening.parse(JSON.parse(line)).address };
}
