import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { Agent, type AgentOptions, BridgeClient, type BridgeClientOptions } from "@loom-bridge/client";
import { type Bridge, type BridgeOptions, createBridge } from "@loom-bridge/server";
import { createMemoryTransport } from "./memory-transport.ts";

export interface TestBridgeOptions extends BridgeOptions {
  /**
   * How many bytes may be under way in each direction of a call. Default: 65 536, the window of an HTTP/2 stream, so
   * that "sent" is not "received" here either.
   */
  readonly windowBytes?: number;
}

/** A bridge in this process, for one test. `await using` closes it with everything that it made. */
export interface TestBridge extends AsyncDisposable {
  readonly bridge: Bridge;
  /** A new way to the bridge, for a client that the test makes itself. */
  transport(): Transport;
  /** A client of the bridge. Closed with the bridge. */
  client(options?: Omit<BridgeClientOptions, "transport" | "address">): BridgeClient;
  /** An agent that is connected to the bridge. Stopped with the bridge. */
  agent(options: Omit<AgentOptions, "client">): Promise<Agent>;
  /** Stops the agents, closes the clients, then the bridge. Harmless when repeated. */
  close(): Promise<void>;
}

/** Starts the real bridge in memory: no port, no process, no network. */
export function createTestBridge(options: TestBridgeOptions = {}): TestBridge {
  const { windowBytes = 65_536, ...bridgeOptions } = options;
  const bridge = createBridge(bridgeOptions);
  const shutdown = new AbortController();
  const clients = new Set<BridgeClient>();
  // Like the socket of a bridge that listens, so that a process does not end while a test waits for the bridge.
  const alive = setInterval(() => {}, 2 ** 31 - 1);
  let closing: Promise<void> | undefined;

  const transport = (): Transport => createMemoryTransport(bridge, { windowBytes, shutdownSignal: shutdown.signal });
  const client = (clientOptions: Omit<BridgeClientOptions, "transport" | "address"> = {}): BridgeClient => {
    const created = new BridgeClient({ runtime: bridge.runtime, ...clientOptions, transport: transport() });
    clients.add(created);
    return created;
  };
  const close = async (): Promise<void> => {
    await Promise.all([...clients].map((each) => each.disconnect()));
    shutdown.abort(new ConnectError("the bridge is shutting down", Code.Unavailable));
    await bridge.close();
    clearInterval(alive);
  };
  return {
    bridge,
    transport,
    client,
    async agent(agentOptions) {
      const agent = new Agent({ ...agentOptions, client: client() });
      await agent.start();
      return agent;
    },
    close() {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}
