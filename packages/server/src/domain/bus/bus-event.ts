import type { Chain } from "../chain.ts";

/** An event on the bus: bytes with what is needed to route them. */
export interface BusEvent {
  readonly topic: string;
  readonly id: string;
  readonly type: string;
  /** The agent that published it; empty for a client without a session. */
  readonly sender: string;
  /** The encoded event. The bus never opens it. */
  readonly body: Uint8Array;
  /** What it is a newer value of. Absent or empty: of its topic. */
  readonly key?: string;
  /** What led to it. */
  readonly chain?: Chain | undefined;
}

/**
 * An event as the bus took it. The same object goes to every subscriber. A class, and so is whatever else is made for each
 * event and waits: where objects of a literal live long for a moment, V8 makes all that follow among the old ones for ever,
 * and keeps what they refer to until it collects everything.
 */
export class LoggedEvent implements BusEvent {
  readonly topic: string;
  readonly id: string;
  readonly type: string;
  readonly sender: string;
  readonly body: Uint8Array;
  readonly key: string;
  readonly chain: Chain | undefined;
  /** Its place in the log, counted from 1. 0: it is not kept. */
  readonly offset: number;
  /** When the bus took it, in milliseconds since the Unix epoch. */
  readonly publishedMs: number;

  constructor(event: BusEvent, offset: number, publishedMs: number) {
    this.topic = event.topic;
    this.id = event.id;
    this.type = event.type;
    this.sender = event.sender;
    this.body = event.body;
    this.key = event.key ?? "";
    this.chain = event.chain;
    this.offset = offset;
    this.publishedMs = publishedMs;
  }
}

/** What an event counts for in a queue: its body and what the bridge keeps around it. */
export function sizeOf(event: BusEvent): number {
  return event.body.byteLength + 128;
}
