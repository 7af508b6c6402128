import type { FlowResult } from "../harness/run-flow.ts";
import type { Column } from "../report/report.ts";

/** What a table of flows shows. */
export const flowColumns: readonly Column[] = [
  { key: "rate", title: "events/s" },
  { key: "publisherCpu", title: "publisher µs", digits: 1 },
  { key: "bridgeCpu", title: "bridge µs", digits: 1 },
  { key: "subscriberCpu", title: "subscriber µs", digits: 1 },
  { key: "bridgeRss", title: "bridge RSS MiB" },
  { key: "bridgeHeap", title: "bridge heap MiB" },
  { key: "publisherHeap", title: "publisher heap MiB" },
  { key: "subscriberHeap", title: "subscriber heap MiB" },
];

export const readFlow: Readonly<Record<string, (result: FlowResult) => number | undefined>> = {
  rate: ({ deliveriesPerSecond }) => deliveriesPerSecond,
  publisherCpu: ({ publisher }) => publisher.cpuUs,
  bridgeCpu: ({ bridge }) => bridge.cpuUs,
  subscriberCpu: ({ subscriber }) => subscriber.cpuUs,
  bridgeRss: ({ bridge }) => bridge.rssMib,
  bridgeHeap: ({ bridge }) => bridge.heapMib,
  publisherHeap: ({ publisher }) => publisher.heapMib,
  subscriberHeap: ({ subscriber }) => subscriber.heapMib,
};

export function tellFlow({ deliveriesPerSecond, publisher, bridge, subscriber }: FlowResult): string {
  const cpu = [publisher, bridge, subscriber].map(({ cpuUs }) => cpuUs.toFixed(1)).join(" + ");
  return `${Math.round(deliveriesPerSecond)}/s, ${cpu} µs CPU`;
}
