import { envelopeKeys, type Runtime, readEnvelopeKey } from "@loom-bridge/protocol";
import { type EventFields, noTags } from "../wire/event-fields.ts";
import { checkEvent } from "./check-event.ts";
import type { EventInit } from "./event-init.ts";
import { encodePayload } from "./payload.ts";

/**
 * Makes an event, with the envelope in its metadata. Bytes that are its payload are not copied.
 * @param sender who sends it, where `init` does not say
 * @throws LoomError `invalid_argument` or `resource_exhausted` that names the field.
 */
export function createEvent(
  init: EventInit,
  runtime: Runtime,
  sender: string | undefined = init.sender,
  id: string = init.id || runtime.uuid(),
): EventFields {
  checkEvent(init);
  return {
    id,
    type: init.type,
    timestampMs: Math.trunc(init.timestampMs ?? runtime.now()),
    source: init.source || sender || "",
    metadata: writeMetadata(init, sender),
    payload: encodePayload(init.payload),
    confidence: init.confidence ?? 1,
    tags: init.tags === undefined ? noTags : [...init.tags],
    priority: init.priority ?? 50,
  };
}

const envelopeKeyNames = new Set<string>(Object.values(envelopeKeys));

/** The metadata with the envelope in it. A key that is present stays as it is; nothing empty is written. */
export function writeMetadata(init: EventInit, sender: string | undefined = init.sender): Record<string, string> {
  const metadata: Record<string, string> = { ...init.metadata };
  for (const key in metadata) if (metadata[key] === "" && envelopeKeyNames.has(key)) delete metadata[key];
  // Field by field: a loop over their names takes several times as long.
  writeKey(metadata, envelopeKeys.threadId, init.threadId);
  writeKey(metadata, envelopeKeys.correlationId, init.correlationId);
  writeKey(metadata, envelopeKeys.sender, sender);
  writeKey(metadata, envelopeKeys.replyTo, init.replyTo);
  writeKey(metadata, envelopeKeys.ttlMs, init.ttlMs);
  writeKey(metadata, envelopeKeys.traceId, init.traceId);
  writeKey(metadata, envelopeKeys.spanId, init.spanId);
  writeKey(metadata, envelopeKeys.traceFlags, init.traceFlags);
  return metadata;
}

function writeKey(metadata: Record<string, string>, key: string, value: string | number | undefined): void {
  if (value === undefined || value === "") return;
  if (readEnvelopeKey(metadata, key) === undefined) metadata[key] = String(value);
}
