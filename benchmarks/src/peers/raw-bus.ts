import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { EventSchema } from "@loom-bridge/protocol/messages";
import type { OpenBus } from "./peer.ts";
import { createFrameReader, type FrameWriter } from "./raw-frames.ts";
import { openRawLink } from "./raw-link.ts";
import { toMessage } from "./seed-messages.ts";

/** The same encoded events over streams of node:http2, and nothing else. */
export const openRawBus: OpenBus = async (address, onFailure) => {
  const link = await openRawLink(address, onFailure);
  return {
    async join({ topics, onEvent }) {
      const senders = new Map<string, FrameWriter>();
      await link.receive(
        topics,
        createFrameReader((bytes) => onEvent(fromBinary(EventSchema, bytes))),
      );
      return {
        publish(topic, event) {
          const sender = senders.get(topic) ?? link.sender(topic);
          senders.set(topic, sender);
          sender.write(toBinary(EventSchema, toMessage(event)));
        },
      };
    },
    close: () => link.close(),
  };
};
