import type { Transport } from "@connectrpc/connect";
import type { Runtime } from "@loom-bridge/protocol";
import type { MetadataSource } from "./connection/metadata.ts";
import type { Token } from "./connection/token-source.ts";
import type { Logger } from "./logger.ts";
import type { Credentials, Protocol } from "./transport/node-transport.ts";

/** Where the bridge is, how to speak to it, and who speaks. */
export interface BridgeClientOptions {
  /**
   * `host:port`, `http://…` or `https://…`. Default: the environment variable LOOM_BRIDGE_ADDR, else
   * `localhost:50051`.
   */
  address?: string;
  /**
   * Makes the connection a TLS one. Default: the files that LOOM_BRIDGE_TLS_CA, LOOM_BRIDGE_CLIENT_CERT and
   * LOOM_BRIDGE_CLIENT_KEY name, with LOOM_BRIDGE_SERVER_NAME; without those, TLS only for an `https://` address, with
   * the certificates of Node.
   */
  credentials?: Credentials;
  /**
   * Says who this is: an API key, or a JSON Web Token, or a function that gets one. With a function, an agent whose
   * credentials expire or are revoked comes back with new ones. Default: the environment variable LOOM_BRIDGE_TOKEN.
   */
  token?: Token;
  /**
   * Whether the token may be sent without TLS to another machine, where everybody on the way can take it. Default:
   * false; true only where something else encrypts the way.
   */
  tokenWithoutTls?: boolean;
  /**
   * The agent that calls without a session are made for, where the credentials are good for several: publishes, tool
   * calls and memory. Default: none; an agent's own client has the agent's id.
   */
  agentId?: string;
  /** Headers of every call, for example `[["authorization", "Bearer …"]]`, or a function that makes them. */
  metadata?: MetadataSource;
  /** Default: `grpc`, which every bridge speaks. */
  protocol?: Protocol;
  /** A way to the bridge other than sockets. Takes the place of `credentials` and `protocol`. */
  transport?: Transport;
  /** Time, timers and ids. Default: those of this process. */
  runtime?: Runtime;
  /** How long `connect()` waits for the bridge, in milliseconds. Default: 10 000. */
  connectTimeoutMs?: number;
  /** Default: silent. */
  logger?: Logger;
}
