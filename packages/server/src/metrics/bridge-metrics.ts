import type { Breaches } from "../domain/breaches.ts";
import type { Drops } from "../domain/bus/drops.ts";
import { sumStatistics, type ToolStatistics } from "../domain/tools/tool-statistics.ts";
import type { Metric } from "./metric.ts";

/** What one tenant's space is doing. */
export interface SpaceCounts {
  readonly sessions: number;
  readonly subscriptions: number;
  /** Copies of events in queues, and their bytes. */
  readonly queuedEvents: number;
  readonly queuedBytes: number;
  readonly published: number;
  readonly delivered: number;
  readonly drops: Drops;
  readonly tools: number;
  readonly calls: ToolStatistics;
}

export interface BridgeMetricsOptions {
  readonly breaches: Breaches;
  readonly spaces: () => readonly SpaceCounts[];
  readonly version: string;
}

/** What a bridge is doing, whatever carries its calls, all tenants together: their names are nobody's business. */
export function createBridgeMetrics({ breaches, spaces, version }: BridgeMetricsOptions): Metric[] {
  const counter = (name: string, help: string, read: Metric["read"]): Metric => ({
    name: `loom_bridge_${name}_total`,
    help,
    type: "counter",
    read,
  });
  const gauge = (name: string, help: string, read: Metric["read"]): Metric => ({
    name: `loom_bridge_${name}`,
    help,
    type: "gauge",
    read,
  });
  const sum = (of: (space: SpaceCounts) => number) => () => spaces().reduce((all, space) => all + of(space), 0);
  const ofCalls = (name: keyof ToolStatistics) => () => sumStatistics(spaces().map(({ calls }) => calls))[name];

  function drops(): ReadonlyMap<string, number> {
    const all = new Map<string, number>();
    for (const space of spaces()) {
      for (const [reason, count] of Object.entries(space.drops)) all.set(reason, (all.get(reason) ?? 0) + count);
    }
    return all;
  }

  return [
    gauge("info", "The bridge, by its version.", () => ({ label: "version", values: new Map([[version, 1]]) })),
    counter("limit_breaches", "How often a limit was met, by its name.", () => ({
      label: "limit",
      values: breaches.counts(),
    })),
    gauge("tenants", "Spaces of tenants, the default one among them.", () => spaces().length),
    gauge(
      "sessions",
      "Agents that are connected.",
      sum(({ sessions }) => sessions),
    ),
    gauge(
      "subscriptions",
      "Subscriptions, those of clients without a session among them.",
      sum(({ subscriptions }) => subscriptions),
    ),
    gauge(
      "queued_events",
      "Copies of events that wait in queues.",
      sum(({ queuedEvents }) => queuedEvents),
    ),
    gauge(
      "queued_bytes",
      "What the queues hold, apart from what groups share.",
      sum(({ queuedBytes }) => queuedBytes),
    ),
    counter(
      "events_published",
      "Events that were published.",
      sum(({ published }) => published),
    ),
    counter(
      "events_delivered",
      "Copies of events that were put into queues.",
      sum(({ delivered }) => delivered),
    ),
    counter("events_dropped", "Copies of events that were lost, by the reason.", () => ({
      label: "reason",
      values: drops(),
    })),
    gauge(
      "tools",
      "Tools that can be called.",
      sum(({ tools }) => tools),
    ),
    gauge("tool_calls_in_flight", "Tool calls that are open.", ofCalls("inFlight")),
    counter("tool_calls", "Tool calls, also those whose arguments were refused.", ofCalls("calls")),
    counter("tool_errors", "Tool calls that ended without an output.", ofCalls("errors")),
    counter("tool_timeouts", "Tool calls whose time was over.", ofCalls("timeouts")),
    counter("tool_late_results", "Outputs that came after their call had ended.", ofCalls("lateResults")),
  ];
}
