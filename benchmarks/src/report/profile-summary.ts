import { existsSync, readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const shownFunctions = 15;

/**
 * Where a process spent its time: by package and by function, without what they call, idle time apart. What it ran must
 * still be there, with its source maps, so that functions have the places where they are written.
 */
export function summarizeProfile(file: string): string {
  const profile = JSON.parse(readFileSync(file, "utf8")) as Profile;
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byPackage = new Map<string, number>();
  const byFunction = new Map<string, number>();
  const maps = new Map<string, SourceMap | undefined>();
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
    if (!maps.has(frame.url)) maps.set(frame.url, readSourceMap(frame.url));
    const place = frame.url === "" ? "" : ` ${placeOf(frame, maps.get(frame.url))}`;
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

function readSourceMap(url: string): SourceMap | undefined {
  const file = url.startsWith("file:") ? `${fileURLToPath(url)}.map` : "";
  return existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, "utf8")) as SourceMapPayload) : undefined;
}

function placeOf({ url, lineNumber, columnNumber }: Profile["nodes"][number]["callFrame"], map?: SourceMap): string {
  const entry = map?.findEntry(lineNumber, columnNumber);
  if (entry === undefined || !("originalSource" in entry)) return `${basename(url)}:${lineNumber + 1}`;
  return `${basename(entry.originalSource)}:${entry.originalLine + 1}`;
}

function ownerOf({ functionName, url }: Profile["nodes"][number]["callFrame"]): string {
  if (url.startsWith("node:")) return "node";
  if (url === "") return functionName.startsWith("(") ? functionName : "V8 and native";
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? "benchmark";
}

function add(times: Map<string, number>, key: string, time: number): void {
  times.set(key, (times.get(key) ?? 0) + time);
}
