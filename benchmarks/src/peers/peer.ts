import type { BenchEvent } from "../event.ts";

/** What a receiver sees of an event after decoding it. */
export type ReceivedEvent = Pick<BenchEvent, "id" | "source" | "payload">;

export interface BusOptions {
  readonly name: string;
  readonly topics: readonly string[];
  readonly onEvent: (event: ReceivedEvent) => void;
}

/** One participant. */
export interface Bus {
  /** A promise where the peer makes its user wait. */
  publish(topic: string, event: BenchEvent): void | Promise<void>;
}

/** One connection of participants to a bridge or broker. */
export interface BusConnection {
  /** Resolves when the subscription stands. */
  join(options: BusOptions): Promise<Bus>;
  close(): Promise<void>;
}

/** `onFailure` is told what goes wrong where nobody waits for it. */
export type OpenBus = (address: string, onFailure: (error: unknown) => void) => Promise<BusConnection>;

/** Arguments and result of the tool that `calls` calls: both JSON on the wire. */
export interface ToolMessage {
  readonly text: string;
}

/** A connection that provides or calls a tool which returns what it is given. */
export interface CallConnection {
  provide(name: string): Promise<void>;
  call(name: string, message: ToolMessage): Promise<ToolMessage>;
  close(): Promise<void>;
}

export type OpenCalls = (
  address: string,
  agentName: string,
  onFailure: (error: unknown) => void,
) => Promise<CallConnection>;

/** Something that listens. */
export interface RunningServer {
  /** host:port */
  readonly address: string;
  close(): Promise<void>;
}
