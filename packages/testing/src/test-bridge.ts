import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { Agent, type AgentOptions, BridgeClient, type BridgeClientOptions } from "@loom-bridge/client";
import { type Bridge, type BridgeOptions, createBridge } from "@loom-bridge/server";
import { createHandlers, createMemoryNetwork, type Handlers } from "./memory-transport.ts";

export interface TestBridgeOptions extends BridgeOptions {
  /**
   * How many bytes may be under way in each direction of a call. Default: 65 536, the window of an HTTP/2 stream, so
   * that "sent" is not "received" here either.
   */
  readonly windowBytes?: number;
}

/** A bridge in this process, for one test. `await using` closes it with everything that it made. */
export interface TestBridge extends AsyncDisposable {
  /** The bridge that answers now. */
  readonly bridge: Bridge;
  /** A new way to the bridge, for a client that the test makes itself. */
  transport(): Transport;
  /** A client of the bridge. Closed with the bridge. */
  client(options?: Omit<BridgeClientOptions, "transport" | "address">): BridgeClient;
  /** An agent that is connected to the bridge. Stopped with the bridge. */
  agent(options: Omit<AgentOptions, "client">): Promise<Agent>;
  /** Breaks every connection, as a network does: both sides lose what is under way and are told nothing. */
  cut(): void;
  /**
   * Lets the bridge die under its agents, and starts another in its place with the same options and those given here.
   * Without a `log` and a `store` that outlive it, it remembers nothing.
   */
  restart(options?: BridgeOptions): Promise<void>;
  /** Stops the agents, closes the clients, then the bridge. Harmless when repeated. */
  close(): Promise<void>;
}

/** Starts the real bridge in memory: no port, no process, no network. */
export function createTestBridge(options: TestBridgeOptions = {}): TestBridge {
  const { windowBytes = 65_536, ...bridgeOptions } = options;
  let current = openPlace(bridgeOptions);
  const network = createMemoryNetwork({ windowBytes, handlers: () => current.handlers });
  const clients = new Set<BridgeClient>();
  // Like the socket of a bridge that listens, so that a process does not end while a test waits for the bridge.
  const alive = setInterval(() => {}, 2 ** 31 - 1);
  let closing: Promise<void> | undefined;

  const client = (clientOptions: Omit<BridgeClientOptions, "transport" | "address"> = {}): BridgeClient => {
    const { runtime } = current.bridge;
    const created = new BridgeClient({ runtime, ...clientOptions, transport: network.transport() });
    clients.add(created);
    return created;
  };
  const close = async (): Promise<void> => {
    await Promise.all([...clients].map((each) => each.disconnect()));
    await current.close();
    clearInterval(alive);
  };
  return {
    get bridge() {
      return current.bridge;
    },
    transport: () => network.transport(),
    client,
    cut: () => network.cut(),
    async restart(changes = {}) {
      network.cut();
      await current.close();
      current = openPlace({ ...bridgeOptions, runtime: current.bridge.runtime, ...changes });
    },
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

/** One bridge in the place where clients look for it. */
interface Place {
  readonly bridge: Bridge;
  readonly handlers: Handlers;
  close(): Promise<void>;
}

function openPlace(options: BridgeOptions): Place {
  const bridge = createBridge(options);
  const shutdown = new AbortController();
  return {
    bridge,
    handlers: createHandlers(bridge, shutdown.signal),
    async close() {
      shutdown.abort(new ConnectError("the bridge is shutting down", Code.Unavailable));
      await bridge.close();
    },
  };
}
