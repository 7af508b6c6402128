import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { limits } from "@loom-bridge/protocol";
import {
  ActionService,
  AdminService,
  AgentService,
  BridgeService,
  MemoryService,
} from "@loom-bridge/protocol/messages";
import type { Target } from "./target.ts";

/** TLS, as PEM texts. */
export interface Credentials {
  /** Certificates to trust. Default: those that Node trusts. */
  readonly ca?: string;
  /** The command's own certificate, for a bridge that asks for one. */
  readonly cert?: string;
  /** The key of `cert`. */
  readonly key?: string;
  /** The name that the bridge's certificate must have. Default: the host of the target. */
  readonly servername?: string;
}

export interface RemoteBridgeOptions {
  readonly target: Target;
  readonly credentials: Credentials;
  /** Sent as a bearer token. */
  readonly token: string | undefined;
}

/** The services of a running bridge, over one connection. */
export interface RemoteBridge {
  readonly bridge: Client<typeof BridgeService>;
  readonly actions: Client<typeof ActionService>;
  readonly admin: Client<typeof AdminService>;
  readonly agents: Client<typeof AgentService>;
  readonly memory: Client<typeof MemoryService>;
  /** Closes the connection, and with it whatever is still open on it. */
  close(): void;
}

/** Opens its connection with the first call. */
export function openRemoteBridge({ target, credentials, token }: RemoteBridgeOptions): RemoteBridge {
  const sessionManager = new Http2SessionManager(target.origin, {}, { ...credentials });
  const authorize: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const transport = createGrpcTransport({
    baseUrl: target.origin,
    sessionManager,
    interceptors: token === undefined ? [] : [authorize],
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.messageBytes,
    acceptCompression: [],
  });
  return {
    bridge: createClient(BridgeService, transport),
    actions: createClient(ActionService, transport),
    admin: createClient(AdminService, transport),
    agents: createClient(AgentService, transport),
    memory: createClient(MemoryService, transport),
    close: () => sessionManager.abort(),
  };
}
