import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { EventSchema } from "@loom-bridge/protocol/messages";
import type { BenchEvent } from "../event.ts";
import { createEventPrinter } from "./encoded-event.ts";
import type { OpenBus } from "./peer.ts";
import { createFrameReader, type FrameWriter } from "./raw-frames.ts";
import { openRawLink } from "./raw-link.ts";
import { toMessage } from "./seed-messages.ts";

type Encode = (event: BenchEvent) => Uint8Array;

/** The same encoded events over streams of node:http2, and nothing else. */
export const openRawBus: OpenBus = (address, onFailure) => {
  return openBus(address, onFailure, () => (event) => toBinary(EventSchema, toMessage(event)));
};

/** The same bytes, of which the sender does not know what they say. */
export const openBytesBus: OpenBus = (address, onFailure) => openBus(address, onFailure, createEventPrinter);

const openBus = async (
  address: string,
  onFailure: (error: unknown) => void,
  createEncode: () => Encode,
): ReturnType<OpenBus> => {
  const link = await openRawLink(address, onFailure);
  return {
    async join({ topics, onEvent }) {
      const senders = new Map<string, FrameWriter>();
      const encode = createEncode();
      await link.receive(
        topics,
        createFrameReader((bytes) => onEvent(fromBinary(EventSchema, bytes))),
      );
      return {
        publish(topic, event) {
          const sender = senders.get(topic) ?? link.sender(topic);
          senders.set(topic, sender);
          sender.write(encode(event));
        },
      };
    },
    close: () => link.close(),
  };
};
