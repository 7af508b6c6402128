import { fromBinary } from "@bufbuild/protobuf";
import { EventSchema } from "@loom-bridge/protocol/messages";
import { createEventPrinter } from "./encoded-event.ts";
import type { OpenBus } from "./peer.ts";
import { createFrameReader, type FrameWriter } from "./raw-frames.ts";
import { openRawLink } from "./raw-link.ts";

/** The same encoded events over streams of node:http2, and nothing else: only who receives them has a codec. */
export const openRawBus: OpenBus = async (address, onFailure) => {
  const link = await openRawLink(address, onFailure);
  return {
    async join({ topics, onEvent }) {
      const senders = new Map<string, FrameWriter>();
      const print = createEventPrinter();
      await link.receive(
        topics,
        createFrameReader((bytes) => onEvent(fromBinary(EventSchema, bytes))),
      );
      return {
        publish(topic, event) {
          const sender = senders.get(topic) ?? link.sender(topic);
          senders.set(topic, sender);
          sender.write(print(event));
        },
      };
    },
    close: () => link.close(),
  };
};
