import { relative } from "node:path";
import { formatElapsed } from "./clock/duration.ts";
import type { Timeline } from "./timeline/timeline.ts";

export interface StoryParts {
  readonly seed: number;
  readonly timeline: Timeline;
  /** Who waits for whom now, one line each. */
  readonly waits: readonly string[];
}

/** Of the timeline, what a failure shows. All of it is in `bridge.timeline`. */
const lastLines = 30;

/** What the reader of a failure needs: who waits, what happened last, and how to see it again. */
export function tellStory({ seed, timeline, waits }: StoryParts): string {
  const lines = timeline.lastLines(lastLines);
  const hidden = timeline.count - lines.length;
  return [
    `at ${formatElapsed(timeline.nowMs())}, seed ${seed}; repeat it with: ${repeatCommand(seed)}`,
    ...(waits.length > 0 ? ["", "who waits for whom:", ...waits.map((line) => `  ${line}`)] : []),
    "",
    hidden > 0
      ? `what happened (the last ${lines.length} of ${timeline.count} things, heartbeats left out):`
      : "what happened:",
    ...lines,
  ].join("\n");
}

/** The command that runs this file again, as far as the process knows. */
export function repeatCommand(seed: number): string {
  const file = process.argv[1] === undefined ? "" : ` ${relative(process.cwd(), process.argv[1])}`;
  const flags = process.execArgv.filter((flag) => !flag.startsWith("--test-")).join(" ");
  const isRunner = process.env["VITEST"] !== undefined;
  const command = isRunner ? "npx vitest run" : `node ${flags === "" ? "" : `${flags} `}--test${file}`;
  return `LOOM_TEST_SEED=${seed} ${command}`;
}
