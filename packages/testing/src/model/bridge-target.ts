import type { Transport } from "@connectrpc/connect";
import { testBridge } from "../test-bridge.ts";
import type { TestBridgeOptions } from "../test-bridge-options.ts";

/** A bridge to be judged, known by nothing but the protocol. */
export interface BridgeTarget {
  /** Begins all ids that are made up, so that a bridge that was judged before knows none of them. */
  readonly name: string;
  /** A way to the bridge. Each name has a connection of its own. */
  transport(link: string): Transport;
  /** Resolves with whether something became true, after at most `withinMs` of the bridge's time. Default: 5000. */
  until(isTrue: () => boolean, withinMs?: number): Promise<boolean>;
  /** Resolves when what was sent has had its effect, as far as that can be known. */
  settle(): Promise<void>;
  /** Settles as a promise does, and lets the bridge's time pass for it. */
  run<T>(promise: Promise<T>): Promise<T>;
  /** Lets the bridge die and starts it again with what it kept. Absent: that cannot be done here. */
  restart?(): Promise<void>;
  close(): Promise<void>;
}

/** A bridge in memory, in virtual time, to be judged. `decorate` puts something between it and its clients. */
export function createMemoryTarget(
  options: TestBridgeOptions = {},
  decorate: (transport: Transport, link: string) => Transport = (transport) => transport,
): BridgeTarget {
  // The judge ends its own streams, and looks for what is left itself.
  const bridge = testBridge({ strict: false, ...options });
  return {
    name: "model",
    transport: (link) => decorate(bridge.transport(link), link),
    async until(isTrue, withinMs = 5000) {
      await bridge.settle();
      if (isTrue()) return true;
      return bridge.clock.runUntil(isTrue, { within: withinMs }).then(
        () => true,
        () => false,
      );
    },
    settle: () => bridge.settle(),
    run: (promise) => bridge.run(promise),
    restart: () => bridge.restart({ keepStore: true }),
    close: () => bridge.close(),
  };
}
