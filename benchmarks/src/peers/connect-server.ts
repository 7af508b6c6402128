import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { BridgeService, type ClientEvent, type Delivery } from "@loom-bridge/protocol/messages";
import { Outbox } from "./outbox.ts";
import type { RunningServer } from "./peer.ts";
import { ack, delivery } from "./seed-messages.ts";

/** A bridge as a user of connect-node writes it: no queues with bounds, no patterns, no receipts. */
export async function startConnectServer(): Promise<RunningServer> {
  const subscribers = new Map<string, Set<Outbox<Delivery>>>();

  async function read(requests: AsyncIterable<ClientEvent>, outbox: Outbox<Delivery>): Promise<void> {
    let topics: readonly string[] = [];
    try {
      for await (const { event } of requests) {
        if (event.case === "publish" && event.value.event !== undefined) {
          const message = delivery(event.value.event);
          for (const subscriber of subscribers.get(event.value.topic) ?? []) subscriber.push(message);
        } else if (event.case === "register") {
          topics = event.value.topics;
          for (const topic of topics) {
            const known = subscribers.get(topic);
            if (known === undefined) subscribers.set(topic, new Set([outbox]));
            else known.add(outbox);
          }
          outbox.push(ack());
        }
      }
    } catch {
      // The client is gone; its stream ends below.
    } finally {
      for (const topic of topics) subscribers.get(topic)?.delete(outbox);
      outbox.end();
    }
  }

  const handler = connectNodeAdapter({
    routes: (router) =>
      router.service(BridgeService, {
        stream(requests) {
          const outbox = new Outbox<Delivery>();
          void read(requests, outbox);
          return outbox;
        },
      }),
  });
  const server = createServer(handler);
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
