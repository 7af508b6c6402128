import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Usage } from "./usage.ts";

const program = fileURLToPath(import.meta.resolve("./durable-bridge.ts"));

/** A bridge that is a process of its own. */
export interface DurableBridge extends AsyncDisposable {
  /** host:port */
  readonly address: string;
  /** Ends the process: at once, or after it has told its agents to leave. Harmless when repeated. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** What the process holds when garbage was collected. */
  usage(): Promise<Usage & { readonly timers: number }>;
}

/** @param events how many of a topic it keeps. Default: 100 000. */
export async function startDurableBridge(address: string, folder: string, events?: number): Promise<DurableBridge> {
  const { end, usage, listening } = launch(address, folder, events);
  const line = await listening;
  assert.ok(typeof line === "string", "the bridge did not start");
  return { address: line, end, usage, [Symbol.asyncDispose]: () => end("SIGKILL") };
}

/** Starts a bridge and kills it soon: while it opens its files, or when it has just begun to listen. */
export async function startAndKill(address: string, folder: string, afterMs: number): Promise<void> {
  const { end } = launch(address, folder);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await end("SIGKILL");
}

function launch(address: string, folder: string, events = 100_000) {
  const args = ["--import", import.meta.resolve("tsx"), program, address, folder, String(events)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  const closed = once(child, "close");
  assert.ok(child.stdout !== null);
  return {
    /** Its address, or nothing when it ended before. */
    listening: Promise.race([
      once(createInterface({ input: child.stdout }), "line").then(([line]) => String(line)),
      closed.then(() => undefined),
    ]),
    async usage() {
      child.send("usage");
      const [usage] = await once(child, "message");
      return usage as Usage & { timers: number };
    },
    async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
      child.kill(signal);
      await closed;
    },
  };
}
