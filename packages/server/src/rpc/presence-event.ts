import { create, toBinary } from "@bufbuild/protobuf";
import type { Runtime } from "@loom-bridge/protocol";
import { EventSchema } from "@loom-bridge/protocol/messages";
import type { BusEvent } from "../domain/bus/bus-event.ts";
import type { PresenceEvent } from "../domain/session/presence.ts";

/** Encodes what the bridge tells of an agent: JSON, because everybody can read it. */
export function toBusEvent({ topic, type, payload }: PresenceEvent, runtime: Runtime): BusEvent {
  const id = runtime.uuid();
  const event = create(EventSchema, {
    id,
    type,
    timestampMs: BigInt(Math.floor(runtime.now())),
    source: "loom-bridge",
    payload: new TextEncoder().encode(JSON.stringify(payload)),
  });
  return { topic, id, type, sender: "", body: toBinary(EventSchema, event), key: payload.agent_id };
}
