import type { ConnectError } from "@connectrpc/connect";
import { createMembers } from "./members.ts";

/** A call in progress. */
export interface Call {
  readonly streaming: boolean;
  /** Ends the call with a status. */
  end(reason: ConnectError): void;
}

/** The calls of a listener: each from its headers until its response has left or its client has. */
export interface Calls {
  readonly size: number;
  add(call: Call): void;
  delete(call: Call): void;
  whenEmpty(): Promise<void>;
  /** Ends the streams, which would last; the others go on. */
  endStreams(reason: ConnectError): void;
  endAll(reason: ConnectError): void;
}

/**
 * Connect takes one signal for shutdown and hangs every call on it; each call that ends then searches the listeners of
 * all others. Here each call has a signal of its own, and unary calls can be left to finish.
 */
export function createCalls(): Calls {
  const calls = createMembers<Call>();
  return {
    get size() {
      return calls.size;
    },
    add: calls.add,
    delete: calls.delete,
    whenEmpty: calls.whenEmpty,
    endStreams(reason) {
      for (const call of calls) if (call.streaming) call.end(reason);
    },
    endAll(reason) {
      for (const call of calls) call.end(reason);
    },
  };
}
