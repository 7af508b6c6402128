import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { Agent, type AgentOptions, BridgeClient, type BridgeClientOptions } from "@loom-bridge/client";
import { LoomError } from "@loom-bridge/protocol";
import {
  type BridgeOptions,
  type BridgeServer,
  createBridge,
  createCalloutAuthenticator,
  type Logger,
  type PrincipalInit,
  serve,
} from "@loom-bridge/server";

export const wires = { grpc: createGrpcTransport, "grpc-web": createGrpcWebTransport, connect: createConnectTransport };
export type Wire = keyof typeof wires;

/** A bridge behind sockets that knows the principals of a map by their bearer tokens. */
export interface GuardedWorld extends AsyncDisposable {
  readonly server: BridgeServer;
  /** By token; a test may change it and reload. */
  readonly principals: Map<string, PrincipalInit>;
  /** What the bridge noted for the audit. */
  readonly audit: Record<string, unknown>[];
  transport(token: string | undefined, wire?: Wire): Transport;
  client(token: string | undefined, options?: BridgeClientOptions): BridgeClient;
  /** An agent that is connected. */
  agent(token: string, options: Omit<AgentOptions, "client">): Promise<Agent>;
}

export async function createGuardedWorld(
  known: Record<string, PrincipalInit>,
  options: BridgeOptions = {},
): Promise<GuardedWorld> {
  const principals = new Map(Object.entries(known));
  const audit: Record<string, unknown>[] = [];
  const silent = (): void => {};
  const logger: Logger = {
    debug: silent,
    info: silent,
    warn: (message, facts) => void (message.startsWith("audit:") && audit.push({ message, ...facts })),
    error: silent,
  };
  const authenticator = createCalloutAuthenticator(({ header }) => {
    const token = /^Bearer (.*)$/.exec(header.get("authorization") ?? "")?.[1];
    if (token === undefined) return undefined;
    const principal = principals.get(token);
    if (principal === undefined) throw new LoomError("unauthenticated", "the token is not known");
    return principal;
  });
  const server = await serve(createBridge({ authenticator, logger, ...options }), { address: "127.0.0.1:0" });
  const clients = new Set<BridgeClient>();

  const metadataOf = (token: string | undefined): Record<string, string> =>
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  const client = (token: string | undefined, clientOptions: BridgeClientOptions = {}): BridgeClient => {
    const created = new BridgeClient({ address: server.address, metadata: metadataOf(token), ...clientOptions });
    clients.add(created);
    return created;
  };
  return {
    server,
    principals,
    audit,
    client,
    transport: (token, wire = "grpc") =>
      wires[wire]({
        baseUrl: server.url,
        httpVersion: "2",
        interceptors: [
          (next) => (request) => {
            for (const [name, value] of Object.entries(metadataOf(token))) request.header.set(name, value);
            return next(request);
          },
        ],
      }),
    async agent(token, agentOptions) {
      const agent = new Agent({ ...agentOptions, client: client(token) });
      await agent.start();
      return agent;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...clients].map((each) => each.disconnect()));
      await server.close({ graceMs: 1000 });
    },
  };
}

/** Grants for everything. */
export const all = {
  agents: { as: ["*"], see: ["*"] },
  topics: { publish: ["**"], subscribe: ["**", "$sys.**"] },
  tools: { call: ["*"], provide: ["*"] },
  memory: { read: ["*"], write: ["*"] },
  admin: ["*"],
} as const;
