/** An event on the bus: bytes with what is needed to route them. */
export interface BusEvent {
  readonly topic: string;
  readonly id: string;
  readonly type: string;
  /** The agent that published it; empty for a client without a session. */
  readonly sender: string;
  /** The encoded event. The bus never opens it. */
  readonly body: Uint8Array;
}

/** What an event counts for in a queue: its body and what the bridge keeps around it. */
export function sizeOf(event: BusEvent): number {
  return event.body.byteLength + 128;
}
