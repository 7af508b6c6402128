import { createTopicIndex } from "../peers/internals.ts";
import type { StartRole } from "../worker/role.ts";

export interface TopicIndexOptions {
  readonly filters: number;
}

export interface TopicIndexResult {
  readonly nsPerMatch: number;
  readonly matches: number;
  readonly heapBytesPerFilter: number;
}

/** Builds an index of that many filters, of which any topic matches four, and matches topics against it. */
export const start: StartRole<TopicIndexOptions> = async ({ filters }) => {
  const index = await createTopicIndex();
  const heapBefore = process.memoryUsage().heapUsed;
  const groups = Math.max(1, Math.floor(filters / 1000));
  index.add(["**"], -1);
  index.add(["site", "*", "room", "*", "temperature"], -2);
  index.add(["site", "**"], -3);
  for (let number = 0; number < filters - 3; number += 1) index.add(topicOf(number, groups), number);
  const heapBytesPerFilter = (process.memoryUsage().heapUsed - heapBefore) / filters;
  return {
    commands: {
      run(argument): TopicIndexResult {
        const endMs = performance.now() + (argument as number) * 1000;
        const topics = Array.from({ length: 997 }, (_, step) => topicOf((step * 7919) % (filters - 3), groups));
        let matched = 0;
        let rounds = 0;
        // CPU time: other processes of the host must not count.
        const before = process.cpuUsage();
        while (performance.now() < endMs) {
          for (const topic of topics) {
            index.match(topic, () => {
              matched += 1;
            });
          }
          rounds += topics.length;
        }
        const { user, system } = process.cpuUsage(before);
        const nsPerMatch = ((user + system) / rounds) * 1000;
        return { nsPerMatch, matches: matched / rounds, heapBytesPerFilter };
      },
    },
    close: () => Promise.resolve(),
  };
};

function topicOf(number: number, groups: number): string[] {
  return ["site", `s${number % groups}`, "room", `r${Math.floor(number / groups)}`, "temperature"];
}
