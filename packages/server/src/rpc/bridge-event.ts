import { create, toBinary } from "@bufbuild/protobuf";
import type { Runtime } from "@loom-bridge/protocol";
import { EventSchema } from "@loom-bridge/protocol/messages";
import type { BusEvent } from "../domain/bus/bus-event.ts";

/** What the bridge tells of itself. */
interface BridgeEvent {
  readonly topic: string;
  readonly type: string;
  /** The agent or tool that it is about, whose events are kept apart. */
  readonly key: string;
  readonly payload: object;
}

/** Encodes what the bridge tells of itself: JSON, because everybody can read it. */
export function toBusEvent({ topic, type, key, payload }: BridgeEvent, runtime: Runtime): BusEvent {
  const id = runtime.uuid();
  const event = create(EventSchema, {
    id,
    type,
    timestampMs: BigInt(Math.floor(runtime.now())),
    source: "loom-bridge",
    payload: new TextEncoder().encode(JSON.stringify(payload)),
  });
  return { topic, id, type, sender: "", body: toBinary(EventSchema, event), key };
}
