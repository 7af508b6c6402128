import { type EnvelopeField, envelopeKeys, type Runtime, readEnvelopeKey } from "@loom-bridge/protocol";
import type { Event } from "@loom-bridge/protocol/messages";
import { checkEvent } from "./check-event.ts";
import type { EventInit } from "./event-init.ts";
import { encodePayload } from "./payload.ts";

/**
 * Makes the message of an event, with the envelope in its metadata. Bytes that are its payload are not copied.
 * @param sender who sends it, where `init` does not say
 * @throws LoomError `invalid_argument` or `resource_exhausted` that names the field.
 */
export function createEvent(init: EventInit, runtime: Runtime, sender: string | undefined = init.sender): Event {
  checkEvent(init);
  // A message is a plain object; making one by its schema costs more than encoding it.
  return {
    $typeName: "loom.bridge.v1.Event",
    id: init.id || runtime.uuid(),
    type: init.type,
    timestampMs: BigInt(Math.trunc(init.timestampMs ?? runtime.now())),
    source: init.source || sender || "",
    metadata: writeMetadata(init, sender),
    payload: encodePayload(init.payload) as Uint8Array<ArrayBuffer>,
    confidence: init.confidence ?? 1,
    tags: [...(init.tags ?? [])],
    priority: init.priority ?? 50,
  };
}

const fields = Object.keys(envelopeKeys) as EnvelopeField[];

/** The metadata with the envelope in it. A key that is present stays as it is; nothing empty is written. */
export function writeMetadata(init: EventInit, sender: string | undefined = init.sender): Record<string, string> {
  const metadata: Record<string, string> = { ...init.metadata };
  for (const field of fields) {
    const value = field === "sender" ? sender : init[field];
    const isAbsent = value === undefined || value === "";
    const key = envelopeKeys[field];
    if (isAbsent && metadata[key] !== "") continue;
    if (readEnvelopeKey(metadata, key) !== undefined) continue;
    delete metadata[key];
    if (!isAbsent) metadata[key] = String(value);
  }
  return metadata;
}
