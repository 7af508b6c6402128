import type { ClientEvent } from "@loom-bridge/protocol/messages";

type Kind = NonNullable<ClientEvent["event"]["case"]>;

/** Makes a frame of what a client can say. */
export function clientEvent<Case extends Kind>(
  kind: Case,
  value: Extract<ClientEvent["event"], { case: Case }>["value"],
): ClientEvent {
  return { $typeName: "loom.bridge.v1.ClientEvent", event: { case: kind, value } as ClientEvent["event"] };
}
