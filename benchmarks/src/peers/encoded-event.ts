import { toBinary } from "@bufbuild/protobuf";
import { EventSchema } from "@loom-bridge/protocol/messages";
import type { BenchEvent } from "../event.ts";
import { toMessage } from "./seed-messages.ts";

/**
 * Encodes the events of one source without a codec: by writing id and payload over those of its first event. They have
 * the same length in all of them; the time stays that of the first.
 */
export function createEventPrinter(): (event: BenchEvent) => Buffer {
  let template: { bytes: Buffer; idAt: number; payloadAt: number } | undefined;
  return (event) => {
    template ??= createTemplate(event);
    const bytes = Buffer.from(template.bytes);
    bytes.write(event.id, template.idAt, "latin1");
    bytes.set(event.payload, template.payloadAt);
    return bytes;
  };
}

function createTemplate(event: BenchEvent) {
  const bytes = Buffer.from(toBinary(EventSchema, toMessage(event)));
  return { bytes, idAt: bytes.indexOf(event.id), payloadAt: bytes.indexOf(event.payload) };
}
