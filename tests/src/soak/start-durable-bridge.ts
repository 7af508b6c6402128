import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(import.meta.resolve("./durable-bridge.ts"));

/** A bridge that is a process of its own. */
export interface DurableBridge extends AsyncDisposable {
  /** host:port */
  readonly address: string;
  /** Ends the process: at once, or after it has told its agents to leave. Harmless when repeated. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

export async function startDurableBridge(address: string, folder: string): Promise<DurableBridge> {
  const { end, listening } = launch(address, folder);
  const line = await listening;
  assert.ok(typeof line === "string", "the bridge did not start");
  return { address: line, end, [Symbol.asyncDispose]: () => end("SIGKILL") };
}

/** Starts a bridge and kills it soon: while it opens its files, or when it has just begun to listen. */
export async function startAndKill(address: string, folder: string, afterMs: number): Promise<void> {
  const { end } = launch(address, folder);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await end("SIGKILL");
}

function launch(address: string, folder: string) {
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), program, address, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  return {
    /** Its address, or nothing when it ended before. */
    listening: Promise.race([
      once(createInterface({ input: child.stdout }), "line").then(([line]) => String(line)),
      closed.then(() => undefined),
    ]),
    async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
      child.kill(signal);
      await closed;
    },
  };
}
