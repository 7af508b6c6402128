import { type handleBidiStreamingCall, Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import type { ClientEvent, Delivery } from "@loom-bridge/protocol/messages";
import { streamMethod } from "./grpc-definition.ts";
import type { RunningServer } from "./peer.ts";
import { ack, delivery } from "./seed-messages.ts";

type Call = ServerDuplexStream<ClientEvent, Delivery>;

/** A bridge as a user of grpc-js writes it: no queues with bounds, no patterns, no receipts. */
export async function startGrpcServer(): Promise<RunningServer> {
  const subscribers = new Map<string, Set<Call>>();
  const stream: handleBidiStreamingCall<ClientEvent, Delivery> = (call) => {
    let topics: readonly string[] = [];
    const leave = (): void => {
      for (const topic of topics) subscribers.get(topic)?.delete(call);
    };
    call.on("data", ({ event }: ClientEvent) => {
      if (event.case === "publish" && event.value.event !== undefined) {
        const message = delivery(event.value.event);
        for (const subscriber of subscribers.get(event.value.topic) ?? []) subscriber.write(message);
      } else if (event.case === "register") {
        topics = event.value.topics;
        for (const topic of topics) {
          const known = subscribers.get(topic);
          if (known === undefined) subscribers.set(topic, new Set([call]));
          else known.add(call);
        }
        call.write(ack());
      }
    });
    call.on("cancelled", leave);
    call.on("error", leave);
    call.on("end", () => {
      leave();
      call.end();
    });
  };
  const server = new Server();
  server.addService({ stream: streamMethod }, { stream });
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, port: number): void => (error === null ? resolve(port) : reject(error));
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), bound);
  });
  return { address: `127.0.0.1:${port}`, close: async () => server.forceShutdown() };
}
