import type { EventChain } from "./event-chain.ts";
import type { Payload } from "./payload.ts";

/** An event as its author writes it. */
export interface EventInit {
  /** What happened, for example "price.tick". */
  type: string;
  /** Default: empty. */
  payload?: Payload | undefined;
  /** Default: a new UUID. */
  id?: string | undefined;
  /** When it happened, in milliseconds since the Unix epoch. Default: now. */
  timestampMs?: number | undefined;
  /** Where it happened. Default: the agent's id. */
  source?: string | undefined;
  /** Free pairs: at most 64, keys of 64 bytes, values of 4 KiB. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** From 0 to 1. Default: 1. */
  confidence?: number | undefined;
  tags?: readonly string[] | undefined;
  /** From 0 to 100. Default: 50. */
  priority?: number | undefined;
  /** The conversation it belongs to. */
  threadId?: string | undefined;
  /** The id of what it answers. */
  correlationId?: string | undefined;
  /** The topic to send replies to. */
  replyTo?: string | undefined;
  /** The agent that publishes it. */
  sender?: string | undefined;
  /** How long it is worth something, in milliseconds. Carried, not interpreted. */
  ttlMs?: number | undefined;
  /** 32 hex digits (https://www.w3.org/TR/trace-context/). */
  traceId?: string | undefined;
  /** 16 hex digits. */
  spanId?: string | undefined;
  traceFlags?: number | undefined;
  /** What it is a newer value of, for subscribers that keep the latest of each key. Default: of its topic. */
  key?: string | undefined;
  /** The chain of events and calls that led to it; a handler's context passes its own on. */
  chain?: EventChain | undefined;
}
