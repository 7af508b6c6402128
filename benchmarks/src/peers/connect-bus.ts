import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { BridgeService, type ClientEvent } from "@loom-bridge/protocol/messages";
import { Outbox } from "./outbox.ts";
import type { OpenBus } from "./peer.ts";
import { heartbeat, heartbeatMs, publish, register } from "./seed-messages.ts";

/** A client as a user of connect-node writes it, with the transport's defaults. */
export const openConnectBus: OpenBus = async (address, onFailure) => {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const client = createClient(BridgeService, createGrpcTransport({ baseUrl, sessionManager }));
  const closers: (() => void)[] = [];
  return {
    async join({ name, topics, onEvent }) {
      const outbox = new Outbox<ClientEvent>();
      const registered = Promise.withResolvers<void>();
      let closing = false;
      outbox.push(register(name, topics));
      const receive = async (): Promise<void> => {
        for await (const { delivery } of client.stream(outbox)) {
          if (delivery.case === "event") onEvent(delivery.value);
          else if (delivery.case === "ack") registered.resolve();
        }
        if (!closing) throw new Error("the bridge ended the stream");
      };
      receive().catch((error: unknown) => {
        registered.reject(error);
        if (!closing) onFailure(error);
      });
      const beat = setInterval(() => outbox.push(heartbeat()), heartbeatMs);
      closers.push(() => {
        closing = true;
        clearInterval(beat);
        outbox.end();
      });
      await registered.promise;
      return { publish: (topic, event) => outbox.push(publish(topic, event)) };
    },
    async close() {
      for (const close of closers) close();
      sessionManager.abort();
    },
  };
};
