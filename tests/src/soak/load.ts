import type { Agent } from "@loom-bridge/client";
import type { Ledger } from "./ledger.ts";

/** Publishes without a pause until it is told to stop. */
export interface Load {
  /** Resolves when everything that was published is answered. */
  stop(): Promise<void>;
}

export function startLoad(writers: readonly Agent[], ledger: Ledger, topic: string, atOnce = 16): Load {
  let stopping = false;
  const publish = async (writer: Agent): Promise<void> => {
    const name = ledger.write();
    await writer.publish(topic, { type: "work", payload: name });
    ledger.acknowledge(name);
  };
  const running = Promise.all(
    writers.map(async (writer) => {
      while (!stopping) await Promise.all(Array.from({ length: atOnce }, () => publish(writer)));
    }),
  );
  return {
    async stop() {
      stopping = true;
      await running;
    },
  };
}
