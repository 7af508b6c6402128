import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { EventSchema } from "@loom-bridge/protocol/messages";
import { connect } from "@nats-io/transport-node";
import type { OpenBus } from "./peer.ts";
import { toMessage } from "./seed-messages.ts";

/** The NATS client with its defaults; what it carries are encoded events. */
export const openNatsBus: OpenBus = async (address, onFailure) => {
  const connection = await connect({ servers: address });
  void connection.closed().then((error) => {
    if (error !== undefined) onFailure(error);
  });
  return {
    async join({ topics, onEvent }) {
      for (const topic of topics) {
        connection.subscribe(topic, {
          callback: (error, message) => {
            if (error === null) onEvent(fromBinary(EventSchema, message.data));
            else onFailure(error);
          },
        });
      }
      await connection.flush();
      return { publish: (topic, event) => connection.publish(topic, toBinary(EventSchema, toMessage(event))) };
    },
    close: () => connection.close(),
  };
};
