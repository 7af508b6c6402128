import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { systemRuntime } from "@loom-bridge/protocol";
import {
  type BridgeOptions,
  type BridgeServer,
  createBridge,
  createInMemoryCallResults,
  createInMemoryEventLog,
  createInMemoryStore,
  serve,
} from "@loom-bridge/server";
import type { BridgeTarget } from "@loom-bridge/testing/model";
import { createCertificate } from "../certificate.ts";

/** A busy machine takes longer than the bridge itself. */
const patience = 6;
const pollMs = 1;
/** What a message and its consequences may take on this machine. */
const settleMs = 20;

/** A bridge behind real sockets, to be judged. Restarted, it keeps its port and its stores. */
export async function createSocketTarget(secure: boolean, options: BridgeOptions = {}): Promise<BridgeTarget> {
  const certificate = secure ? await createCertificate() : undefined;
  const tls = certificate === undefined ? {} : { tls: certificate };
  // Closed with the bridge, they would be empty; in memory, there is nothing to close.
  const stores = {
    store: { ...createInMemoryStore(), close: async () => {} },
    log: Object.create(createInMemoryEventLog({ runtime: systemRuntime }), { close: { value: async () => {} } }),
    callResults: { ...createInMemoryCallResults(), close: async () => {} },
  };
  const start = (address: string): Promise<BridgeServer> =>
    serve(createBridge({ ...stores, ...options }), { address, ...tls });
  let server = await start("127.0.0.1:0");
  const { address } = server;
  const baseUrl = server.url.replace("127.0.0.1", "localhost");
  const nodeOptions = certificate === undefined ? {} : { ca: certificate.cert };
  const links = new Map<string, { readonly transport: Transport; readonly manager: Http2SessionManager }>();
  const connect = () => {
    const manager = new Http2SessionManager(baseUrl, { idleConnectionTimeoutMs: 500 }, nodeOptions);
    return { manager, transport: createGrpcTransport({ baseUrl, sessionManager: manager }) };
  };
  /** A GOAWAY on a connection without streams is an error of connect-node's that nobody can catch. */
  const dropIdle = (): void => {
    for (const { manager } of links.values()) if (manager.state() === "idle") manager.abort();
  };
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
  return {
    name: "model",
    transport(link) {
      const known = links.get(link) ?? connect();
      links.set(link, known);
      return known.transport;
    },
    async until(isTrue, withinMs = 5000) {
      for (const deadlineMs = performance.now() + withinMs * patience; !isTrue(); await pause(pollMs)) {
        if (performance.now() >= deadlineMs) return false;
      }
      return true;
    },
    settle: () => pause(settleMs),
    run: (promise) => promise,
    async restart() {
      dropIdle();
      await server.close({ graceMs: 0 });
      server = await start(address);
    },
    close() {
      dropIdle();
      return server.close({ graceMs: 0 });
    },
  };
}
