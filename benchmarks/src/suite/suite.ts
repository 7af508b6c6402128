import { agents } from "./agents.ts";
import type { Benchmark } from "./benchmark.ts";
import { calls } from "./calls.ts";
import { events } from "./events.ts";
import { fanout } from "./fanout.ts";
import { growth } from "./growth.ts";
import { latency } from "./latency.ts";
import { memory } from "./memory.ts";
import { plain } from "./plain.ts";
import { slow } from "./slow.ts";
import { start } from "./start.ts";
import { topics } from "./topics.ts";
import { worlds } from "./worlds.ts";

/** All benchmarks, in the order in which they run. */
export const suite: readonly Benchmark[] = [
  events,
  fanout,
  plain,
  calls,
  latency,
  slow,
  growth,
  memory,
  topics,
  start,
  agents,
  worlds,
];
