import type { ConnectError } from "@connectrpc/connect";
import type { Access } from "../domain/access/access.ts";

/** The bridge's side of one call: messages as bytes, without a promise or an iterator for each. */
export interface MessageStream {
  /** The largest message that may be written, in bytes. */
  readonly writeMaxBytes: number;
  /** Stops the flow of messages at once; the client is stopped when its window is full. */
  pause(): void;
  resume(): void;
  /**
   * Sends whole messages, each behind its prefix of flags and length. False: no more until `onDrain`. After the end,
   * it does nothing.
   */
  write(envelopes: Uint8Array): boolean;
  /** Ends the call with a status, OK without an error. Harmless when repeated, or when the call is over. */
  end(error?: ConnectError): void;
}

/** Whoever answers a call. Nothing is called once the call is over. */
export interface MessageReceiver {
  /** The bytes are the network's: whoever keeps some copies them. */
  onMessage(message: Uint8Array): void;
  /** The client says no more. */
  onEnd(): void;
  /** There is room to write again. */
  onDrain(): void;
  /** The call is over: its deadline, shutdown, a client that left or broke the protocol. The client knows. */
  onAbort(reason: ConnectError): void;
}

/** Takes a call, before its first message, of one who may do this. */
export type MessageStreamHandler = (stream: MessageStream, access: Access) => MessageReceiver;
