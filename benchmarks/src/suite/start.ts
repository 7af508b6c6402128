import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Lab } from "../harness/lab.ts";
import { atMost, createRow, medianOf, valueOf } from "../report/report.ts";
import type { Benchmark } from "./benchmark.ts";

interface StartResult {
  readonly ms: number;
  readonly cpuMs?: number;
}

const limitMs = 30_000;

export const start: Benchmark = {
  name: "start",
  summary: "`loom-bridge up` to the first Ack; importing the client",
  async run(lab) {
    const variants = [
      { label: "loom-bridge up, to the first Ack", measure: () => upToFirstAck(lab) },
      { label: 'import "@loom-bridge/client"', measure: () => importing(lab, "@loom-bridge/client") },
      { label: 'import "@loom-bridge/server"', measure: () => importing(lab, "@loom-bridge/server") },
      { label: "node that does nothing", measure: () => nothing(lab) },
    ];
    const results = await lab.interleave(
      variants,
      ({ measure }) => measure(),
      ({ ms }) => `${Math.round(ms)} ms`,
    );
    const rows = [...results].map(([{ label }, runs]) =>
      createRow(label, runs, { ms: ({ ms }) => ms, cpu: ({ cpuMs }) => cpuMs }),
    );
    const ms = (index: number) => medianOf(rows, variants[index]?.label ?? "", "ms");
    return {
      name: "start",
      what:
        "The built packages. `up` counts from the start of its process to the Ack of an agent that waits for its " +
        "address; an import counts inside a process that runs already.",
      columns: [
        { key: "ms", title: "ms" },
        { key: "cpu", title: "CPU ms" },
      ],
      rows,
      ratios: [
        ...valueOf("loom-bridge up to the first Ack, ms", ms(0), atMost(400), 0),
        ...valueOf('import "@loom-bridge/client", ms', ms(1), atMost(80), 0),
      ],
      skipped: [],
    };
  },
};

function upToFirstAck(lab: Lab): Promise<StartResult> {
  return lab.scenario(async (workers) => {
    const agent = await workers.start("agent", "first-ack", {});
    const startedMs = performance.now();
    const args = [lab.snapshot.command, "up", "--address", "127.0.0.1:0", "--log-level", "warn", "--json"];
    const bridge = spawn(process.execPath, args, {
      cwd: lab.snapshot.folder,
      stdio: ["ignore", "pipe", "inherit"],
      timeout: limitMs,
      killSignal: "SIGKILL",
    });
    const killIt = (): void => void bridge.kill("SIGKILL");
    process.once("exit", killIt);
    const exited = new Promise<void>((resolve) => bridge.once("close", () => resolve()));
    try {
      const line = await new Promise<string>((resolve, reject) => {
        createInterface({ input: bridge.stdout }).once("line", resolve);
        void exited.then(() => reject(new Error("loom-bridge up ended before it listened")));
      });
      await agent.call("register", (JSON.parse(line) as { address: string }).address);
      return { ms: performance.now() - startedMs };
    } finally {
      bridge.kill("SIGTERM");
      await exited;
      process.off("exit", killIt);
    }
  });
}

async function importing(lab: Lab, name: string): Promise<StartResult> {
  const program = [
    "const [before, cpuBefore] = [performance.now(), process.cpuUsage()];",
    `await import(${JSON.stringify(name)});`,
    "const { user, system } = process.cpuUsage(cpuBefore);",
    "console.log(JSON.stringify({ ms: performance.now() - before, cpuMs: (user + system) / 1000 }));",
    "process.exit(0);",
  ].join("\n");
  return JSON.parse(await runNode(lab, program)) as StartResult;
}

async function nothing(lab: Lab): Promise<StartResult> {
  const startedMs = performance.now();
  await runNode(lab, "");
  return { ms: performance.now() - startedMs };
}

async function runNode(lab: Lab, program: string): Promise<string> {
  const args = ["--input-type=module", "--eval", program];
  const options = { cwd: lab.snapshot.folder, timeout: limitMs, killSignal: "SIGKILL" } as const;
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  return stdout.trim();
}
