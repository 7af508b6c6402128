import { beforeEach, describe, type TestContext, test } from "node:test";
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { Agent, type AgentOptions, BridgeClient, type BridgeClientOptions } from "@loom-bridge/client";
import { type BridgeOptions, createBridge, serve } from "@loom-bridge/server";
import { createTestBridge, type TestBridgeOptions } from "@loom-bridge/testing";
import { createCertificate } from "./certificate.ts";
import { expectSameSeen, type Seen } from "./same-seen.ts";
import { Witness } from "./witness.ts";

export type Wire = "grpc" | "grpc-web" | "connect";

/** A bridge and the ways to it, for one test. */
export interface World extends AsyncDisposable {
  client(options?: Omit<BridgeClientOptions, "address" | "transport" | "credentials">): BridgeClient;
  agent(options: Omit<AgentOptions, "client">): Promise<Agent>;
  /** A way to the bridge that knows nothing of our client. In memory, there is one wire only. */
  transport(wire: Wire): Transport;
}

export type CreateWorld = (options?: BridgeOptions) => Promise<World>;

/** Every kind of bridge, the one in memory first. */
export const everyWorld: Readonly<Record<string, CreateWorld>> = {
  memory: createMemoryWorld,
  h2c: (options) => createSocketWorld(options),
  TLS: (options) => createSocketWorld(options, { secure: true }),
  JSON: (options) => createMemoryWorld({ ...options, codec: "json" }),
  /** In which everybody speaks a later version of the protocol. */
  future: (options) => createMemoryWorld({ ...options, futureFields: true }),
  /** Stock Connect at both ends, by which our own streams pass elsewhere. */
  Connect: (options) => createSocketWorld(options, { protocol: "connect" }),
};

/** Runs the same tests against every kind of bridge; everybody must see the same in all of them. */
export function describeInEveryWorld(name: string, define: (createWorld: CreateWorld) => void): void {
  const seen = new Map<string, Seen>();
  for (const [kind, createWorld] of Object.entries(everyWorld)) {
    describe(`${name} (${kind})`, () => {
      const worlds: Seen = new Map();
      seen.set(kind, worlds);
      let running = "";
      beforeEach((context) => void (running = (context as TestContext).name));
      define(async (options) => {
        const place = `${running} (${worlds.size + 1})`;
        const witness = new Witness();
        worlds.set(place, []);
        return witnessedBy(witness, await createWorld(options), () => worlds.set(place, witness.lines));
      });
    });
  }
  test(`${name}: everybody sees the same in every world`, (context) => {
    expectSameSeen(seen);
    const [memory = new Map()] = seen.values();
    context.diagnostic(`${memory.size} worlds, in which ${[...memory.values()].flat().length} things were seen`);
  });
}

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

function witnessedBy(witness: Witness, world: World, onEnd: () => void): World {
  return {
    client: (options) => witness.watch(world.client(options)),
    agent: async (options) => {
      const { onEvent, id } = options;
      const heard = onEvent === undefined ? {} : { onEvent: witness.hearing(id, onEvent) };
      return witness.watch(await world.agent({ ...options, ...heard }));
    },
    transport: (wire) => witness.transport(world.transport(wire)),
    async [Symbol.asyncDispose]() {
      onEnd();
      await world[Symbol.asyncDispose]();
    },
  };
}
