import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Usage } from "../worker/usage.ts";
import type { RunningServer } from "./peer.ts";

export interface NatsServer extends RunningServer {
  readonly pid: number;
  usage(): Usage;
}

/** Runs Debian's nats-server, or whichever comes first on the path. The caller's process outlives it in any case. */
export async function startNatsServer(): Promise<NatsServer> {
  const child = spawn("nats-server", ["--addr", "127.0.0.1", "--port", "-1"], { stdio: ["ignore", "ignore", "pipe"] });
  process.once("exit", () => child.kill("SIGKILL"));
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const address = await listening(child);
  const pid = child.pid ?? 0;
  return {
    address,
    pid,
    usage: () => processUsage(pid),
    async close() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function listening(child: ChildProcess): Promise<string> {
  let said = "";
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => reject(new Error(`nats-server did not start: ${said.slice(-500)}`)));
    child.stderr?.on("data", (chunk: Buffer) => {
      if (said.length < 65_536) said += chunk.toString();
      const [, address] = /client connections on (127\.0\.0\.1:\d+)/.exec(said) ?? [];
      if (address !== undefined) resolve(address);
    });
  });
}

let ticksPerSecond = 0;

/** What another process has used, as Linux tells it. Its clock counts in hundredths of a second. */
function processUsage(pid: number): Usage {
  ticksPerSecond ||= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name, the second field, may have spaces; user and system time are the fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const [, rssKib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return {
    atMs: performance.now(),
    cpuMs: (ticks / ticksPerSecond) * 1000,
    rssBytes: Number(rssKib) * 1024,
    heapBytes: undefined,
  };
}
