import { envelopeKeys, type Runtime, readEnvelopeKey } from "@loom-bridge/protocol";
import type { Event } from "@loom-bridge/protocol/messages";
import { checkEvent } from "./check-event.ts";
import type { EventInit } from "./event-init.ts";
import { encodePayload } from "./payload.ts";

/**
 * Makes the message of an event, with the envelope in its metadata.
 * @throws LoomError `invalid_argument` or `resource_exhausted` that names the field.
 */
export function createEvent(init: EventInit, runtime: Runtime): Event {
  checkEvent(init);
  return {
    $typeName: "loom.bridge.v1.Event",
    id: init.id || runtime.uuid(),
    type: init.type,
    timestampMs: BigInt(Math.trunc(init.timestampMs ?? runtime.now())),
    source: init.source || init.sender || "",
    metadata: writeMetadata(init),
    payload: encodePayload(init.payload),
    confidence: init.confidence ?? 1,
    tags: [...(init.tags ?? [])],
    priority: init.priority ?? 50,
  };
}

/** The metadata with the envelope in it. A key that is present stays as it is; nothing empty is written. */
export function writeMetadata(init: EventInit): Record<string, string> {
  const metadata: Record<string, string> = { ...init.metadata };
  for (const field of Object.keys(envelopeKeys) as (keyof typeof envelopeKeys)[]) {
    const key = envelopeKeys[field];
    if (readEnvelopeKey(metadata, key) !== undefined) continue;
    delete metadata[key];
    const value = init[field];
    if (value !== undefined && value !== "") metadata[key] = String(value);
  }
  return metadata;
}
