import { setTimeout as pause } from "node:timers/promises";
import type { Agent } from "@loom-bridge/client";
import type { Ledger } from "./ledger.ts";

/** Publishes until it is told to stop. */
export interface Load {
  /** Resolves when everything that was published is answered. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  /** Events that each writer publishes together. */
  readonly atOnce: number;
  /** How long it waits before it publishes the next. */
  readonly pauseMs: number;
}

/** Default: as much as the bridge takes. */
export function startLoad(
  writers: readonly Agent[],
  ledger: Ledger,
  topic: string,
  { atOnce, pauseMs }: LoadOptions = { atOnce: 16, pauseMs: 0 },
): Load {
  let stopping = false;
  const publish = async (writer: Agent): Promise<void> => {
    const name = ledger.write();
    await writer.publish(topic, { type: "work", payload: name });
    ledger.acknowledge(name);
  };
  const running = Promise.all(
    writers.map(async (writer) => {
      while (!stopping) {
        await Promise.all(Array.from({ length: atOnce }, () => publish(writer)));
        if (pauseMs > 0) await pause(pauseMs);
      }
    }),
  );
  // Whoever stops it is told that a publish failed.
  running.catch(() => {});
  return {
    async stop() {
      stopping = true;
      await running;
    },
  };
}
