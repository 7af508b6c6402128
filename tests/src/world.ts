import { describe } from "node:test";
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { Agent, type AgentOptions, BridgeClient, type BridgeClientOptions } from "@loom-bridge/client";
import { type BridgeOptions, createBridge, serve } from "@loom-bridge/server";
import { createTestBridge, type TestBridgeOptions } from "@loom-bridge/testing";
import { createCertificate } from "./certificate.ts";

export type Wire = "grpc" | "grpc-web" | "connect";

/** A bridge and the ways to it, for one test. */
export interface World extends AsyncDisposable {
  client(options?: Omit<BridgeClientOptions, "address" | "transport" | "credentials">): BridgeClient;
  agent(options: Omit<AgentOptions, "client">): Promise<Agent>;
  /** A way to the bridge that knows nothing of our client. In memory, there is one wire only. */
  transport(wire: Wire): Transport;
}

export type CreateWorld = (options?: BridgeOptions) => Promise<World>;

/**
 * Runs the same tests against a bridge in memory, one behind plain sockets and one behind TLS; and once more with stock
 * Connect at both ends, by which our own streams pass elsewhere.
 */
export function describeInEveryWorld(name: string, define: (createWorld: CreateWorld) => void): void {
  describe(`${name} (memory)`, () => define(createMemoryWorld));
  describe(`${name} (JSON)`, () => define((options) => createMemoryWorld({ ...options, codec: "json" })));
  describe(`${name} (future)`, () => define((options) => createMemoryWorld({ ...options, futureFields: true })));
  describe(`${name} (h2c)`, () => define((options) => createSocketWorld(options)));
  describe(`${name} (TLS)`, () => define((options) => createSocketWorld(options, { secure: true })));
  describe(`${name} (Connect)`, () => define((options) => createSocketWorld(options, { protocol: "connect" })));
}

export const everyWorld: Readonly<Record<string, CreateWorld>> = {
  memory: createMemoryWorld,
  h2c: (options) => createSocketWorld(options),
  tls: (options) => createSocketWorld(options, { secure: true }),
};

async function createMemoryWorld(options?: TestBridgeOptions): Promise<World> {
  const bridge = createTestBridge(options);
  return {
    client: (clientOptions) => bridge.client(clientOptions),
    agent: (agentOptions) => bridge.agent(agentOptions),
    transport: () => bridge.transport(),
    [Symbol.asyncDispose]: () => bridge.close(),
  };
}

async function createSocketWorld(
  options: BridgeOptions | undefined,
  { secure = false, protocol = "grpc" }: { secure?: boolean; protocol?: Wire } = {},
): Promise<World> {
  const certificate = secure ? await createCertificate() : undefined;
  const server = await serve(createBridge(options), {
    address: "127.0.0.1:0",
    ...(certificate === undefined ? {} : { tls: certificate }),
  });
  const credentials = certificate === undefined ? {} : { credentials: { ca: certificate.cert } };
  const clients = new Set<BridgeClient>();
  const client = (clientOptions: BridgeClientOptions = {}): BridgeClient => {
    const created = new BridgeClient({ address: server.address, protocol, ...credentials, ...clientOptions });
    clients.add(created);
    return created;
  };
  return {
    client,
    async agent(agentOptions) {
      const agent = new Agent({ ...agentOptions, client: client() });
      await agent.start();
      return agent;
    },
    transport(wire) {
      const baseUrl = server.url.replace("127.0.0.1", "localhost");
      const nodeOptions = certificate === undefined ? {} : { ca: certificate.cert };
      const create = { grpc: createGrpcTransport, "grpc-web": createGrpcWebTransport, connect: createConnectTransport };
      return create[wire]({ baseUrl, httpVersion: "2", nodeOptions });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...clients].map((each) => each.disconnect()));
      await server.close({ graceMs: 1_000 });
    },
  };
}
