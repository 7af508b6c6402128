import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("cli/main.ts", import.meta.resolve("@loom-bridge/server")));

/** A bridge as an operator runs it: a process, a socket and a file. */
export interface BridgeProcess extends AsyncDisposable {
  /** host:port */
  readonly address: string;
  /** `kill -9`: it gets no chance to finish anything. Harmless when repeated. */
  kill(): Promise<void>;
}

export async function startBridgeProcess(address: string, dataFile: string): Promise<BridgeProcess> {
  const args = ["up", "--address", address, "--store", "sqlite", "--data", dataFile, "--log-level", "warn", "--json"];
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), command, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await closed;
  };
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, "line"), closed.then(() => [])]);
  assert.ok(typeof line === "string", `the bridge did not start: ${errors}`);
  const { event, address: bound } = JSON.parse(line) as Record<string, string>;
  assert.equal(event, "listening");
  return { address: bound ?? assert.fail(line), kill, [Symbol.asyncDispose]: kill };
}
