import type { Runtime } from "@loom-bridge/protocol";
import type { Ack, ClientEvent, Delivery, Drain, Gap, Register } from "@loom-bridge/protocol/messages";
import type { ToolCalls } from "../tools/tool-calls.ts";
import type { ToolServerOptions } from "../tools/tool-server.ts";
import type { EncodedEvent } from "../wire/encoded-batch.ts";
import type { Arrival } from "./event-line.ts";
import type { MessageSource } from "./for-each-message.ts";
import type { PublishLane } from "./publish-lane.ts";

export interface SessionOptions {
  readonly openStream: (
    outbound: AsyncIterable<ClientEvent>,
    signal: AbortSignal,
  ) => AsyncIterator<Delivery> & Partial<MessageSource<Delivery>>;
  readonly address: string;
  readonly runtime: Runtime;
  readonly register: Register;
  /** What outlives a stream: the session sends it while it stands. */
  readonly publishes: PublishLane;
  readonly calls: ToolCalls;
  readonly tools: Omit<ToolServerOptions, "send" | "runtime" | "onIdle">;
  /** Default: what the bridge says. */
  readonly heartbeatIntervalMs: number | undefined;
  /** Called before anything else that came is passed on. */
  readonly onAck: (ack: Ack) => void;
  /** How the events of a subscription are settled one by one; undefined: they are acknowledged in order. */
  readonly settling: (subscription: number) => { readonly extendEveryMs: number | undefined } | undefined;
  readonly onEvent: (encoded: EncodedEvent, sequence: number, arrival: Arrival) => void;
  readonly onGap: (gap: Gap) => void;
  /** Returns whether to leave a bridge that drains as soon as what is in hand is finished. */
  readonly onDrain: (drain: Drain) => boolean;
  /** Called whenever the stream has come nearer to having nothing left to do. */
  readonly onProgress: () => void;
}
