import type { Runtime } from "@loom-bridge/protocol";
import type { ClientEvent, Delivery, Drain, Gap, Register } from "@loom-bridge/protocol/messages";
import type { ToolServerOptions } from "../tools/tool-server.ts";
import type { OutgoingPublish } from "./publish-lane.ts";
import type { ReceivedEvent } from "./received-event.ts";
import type { SendQueue } from "./send-queue.ts";

export interface SessionOptions {
  readonly openStream: (outbound: AsyncIterable<ClientEvent>, signal: AbortSignal) => AsyncIterable<Delivery>;
  readonly address: string;
  readonly runtime: Runtime;
  readonly register: Register;
  readonly publishes: SendQueue<OutgoingPublish>;
  readonly tools: Omit<ToolServerOptions, "send" | "runtime">;
  /** Default: what the bridge says. */
  readonly heartbeatIntervalMs: number | undefined;
  readonly onEvent: (event: ReceivedEvent) => void;
  readonly onGap: (gap: Gap) => void;
  readonly onDrain: (drain: Drain) => void;
  /** Called whenever the stream has come nearer to having nothing left to do. */
  readonly onProgress: () => void;
}
