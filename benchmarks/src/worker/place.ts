import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Keeps all threads of processes on one core. */
export async function place(core: number, pids: readonly number[]): Promise<void> {
  for (const pid of pids) await run("taskset", ["--all-tasks", "--cpu-list", "--pid", String(core), String(pid)]);
}

/** Two cores that this process may use, or why there are none to place processes on. */
export async function twoCores(): Promise<readonly [number, number] | string> {
  if (process.platform !== "linux") return "processes can be placed on Linux only";
  const [first, second] = allowedCores(readFileSync("/proc/self/status", "utf8"));
  if (first === undefined || second === undefined) return "there is one core";
  try {
    await run("taskset", ["--version"]);
  } catch {
    return "no taskset on the path";
  }
  return [first, second];
}

/** The cores in what Linux tells of a process, such as "0-2,5". */
export function allowedCores(status: string): number[] {
  const [, list = ""] = /^Cpus_allowed_list:\s*(\S+)/m.exec(status) ?? [];
  return list.split(",").flatMap((range) => {
    const [from = "", to = from] = range.split("-");
    if (from === "") return [];
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);
  });
}
