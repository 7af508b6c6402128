import type { Listener } from "../listener/listen.ts";
import type { Overload } from "../overload.ts";
import type { Metric } from "./metric.ts";

/** What the process of a bridge uses, and who is connected to it. */
export function createProcessMetrics(listener: Listener, overload: Overload): Metric[] {
  const gauge = (name: string, help: string, read: () => number): Metric => ({ name, help, type: "gauge", read });
  return [
    gauge("loom_bridge_connections", "Open connections.", () => listener.connections),
    gauge("loom_bridge_calls", "Calls in progress, streams among them.", () => listener.calls),
    gauge("loom_bridge_memory_used_ratio", "The part of its memory that the process uses.", () => overload.memoryUse),
    gauge(
      "loom_bridge_event_loop_delay_seconds",
      "How late the event loop was, a tenth of a second ago at most.",
      () => overload.loopDelayMs / 1000,
    ),
    gauge("process_resident_memory_bytes", "Memory that the process holds.", () => process.memoryUsage.rss()),
    gauge("process_heap_bytes", "What JavaScript uses of it.", () => process.memoryUsage().heapUsed),
    {
      name: "process_cpu_seconds_total",
      help: "Time that the process had the processor for.",
      type: "counter",
      read() {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      },
    },
  ];
}
