import { Client, credentials } from "@grpc/grpc-js";
import { streamMethod } from "./grpc-definition.ts";
import type { OpenBus } from "./peer.ts";
import { heartbeat, heartbeatMs, publish, register } from "./seed-messages.ts";

/** A client as a user of grpc-js writes it. */
export const openGrpcBus: OpenBus = async (address, onFailure) => {
  // Clients of one process share connections unless told otherwise.
  const client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  const closers: (() => void)[] = [];
  return {
    async join({ name, topics, onEvent }) {
      const registered = Promise.withResolvers<void>();
      const { path, requestSerialize, responseDeserialize } = streamMethod;
      const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
      let closing = false;
      call.on("data", ({ delivery }: ReturnType<typeof responseDeserialize>) => {
        if (delivery.case === "event") onEvent(delivery.value);
        else if (delivery.case === "ack") registered.resolve();
      });
      call.on("error", (error) => {
        registered.reject(error);
        if (!closing) onFailure(error);
      });
      call.write(register(name, topics));
      const beat = setInterval(() => call.write(heartbeat()), heartbeatMs);
      closers.push(() => {
        closing = true;
        clearInterval(beat);
        call.cancel();
      });
      await registered.promise;
      return { publish: (topic, event) => void call.write(publish(topic, event)) };
    },
    async close() {
      for (const close of closers) close();
      client.close();
    },
  };
};
