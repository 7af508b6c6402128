import { createGrpcTransport } from "@connectrpc/connect-node";
import { Agent, BridgeClient, type SubscriptionInit } from "@loom-bridge/client";
import type { StartRole } from "../worker/role.ts";

export interface DeadSubscriberOptions {
  readonly address: string;
  readonly topics: readonly string[];
  readonly overflow: NonNullable<SubscriptionInit["overflow"]>;
}

/** Subscribes, and stops to read its socket when it is told to. */
export const start: StartRole<DeadSubscriberOptions> = async ({ address, topics, overflow }) => {
  // The windows of HTTP/2 are those that every client has unless it asks for others: soon full.
  const client = new BridgeClient({ transport: createGrpcTransport({ baseUrl: `http://${address}` }) });
  const agent = new Agent({
    id: "dead",
    client,
    reconnect: false,
    subscriptions: [{ filters: topics, qos: "realtime", overflow, window: 65_535, handler: () => {} }],
  });
  // It may be evicted, which is what it is for.
  agent.closed.catch(() => {});
  await agent.start();
  return {
    commands: {
      stopReading(durationMs) {
        // After the answer. A process that sleeps reads nothing, and the system's buffers fill.
        const sleeper = new Int32Array(new SharedArrayBuffer(4));
        setTimeout(() => Atomics.wait(sleeper, 0, 0, Number(durationMs)), 10);
      },
    },
    async close() {
      await agent.stop().catch(() => {});
      await client.disconnect();
    },
  };
};
