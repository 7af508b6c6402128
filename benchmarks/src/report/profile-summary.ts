import { readFileSync } from "node:fs";
import { basename } from "node:path";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const shownFunctions = 15;

/** Where a process spent its time: by package and by function, without what they call, idle time apart. */
export function summarizeProfile(file: string): string {
  const profile = JSON.parse(readFileSync(file, "utf8")) as Profile;
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byPackage = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let busy = 0;
  let idle = 0;
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    const time = profile.timeDeltas[index] ?? 0;
    // Starting and stopping the profiler is no work of the process.
    if (frame === undefined || frame.url === "node:inspector") continue;
    if (frame.functionName === "(idle)") {
      idle += time;
      continue;
    }
    busy += time;
    const owner = ownerOf(frame);
    const place = frame.url === "" ? "" : ` ${basename(frame.url)}:${frame.lineNumber + 1}`;
    add(byPackage, owner, time);
    add(byFunction, `${frame.functionName || "(anonymous)"}${place} [${owner}]`, time);
  }
  const share = (time: number): string => `${((time / busy) * 100).toFixed(1).padStart(5)} %`;
  const sorted = (times: Map<string, number>): [string, number][] => [...times].sort((one, other) => other[1] - one[1]);
  return [
    `${basename(file)}: busy ${((busy / (busy + idle)) * 100).toFixed(0)} % of the time; of that:`,
    ...sorted(byPackage).map(([name, time]) => `  ${share(time)}  ${name}`),
    "  by function:",
    ...sorted(byFunction)
      .slice(0, shownFunctions)
      .map(([name, time]) => `  ${share(time)}  ${name}`),
  ].join("\n");
}

function ownerOf({ functionName, url }: Profile["nodes"][number]["callFrame"]): string {
  if (url.startsWith("node:")) return "node";
  if (url === "") return functionName.startsWith("(") ? functionName : "V8 and native";
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? "benchmark";
}

function add(times: Map<string, number>, key: string, time: number): void {
  times.set(key, (times.get(key) ?? 0) + time);
}
