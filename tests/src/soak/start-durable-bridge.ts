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

export async function startDurableBridge(address: string, file: string): Promise<DurableBridge> {
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), program, address, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
    child.kill(signal);
    await closed;
  };
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), "line"), closed.then(() => [])]);
  assert.ok(typeof line === "string", "the bridge did not start");
  return { address: line, end, [Symbol.asyncDispose]: () => end("SIGKILL") };
}
