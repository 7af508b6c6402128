import type { Transport } from "@connectrpc/connect";
import type { Runtime } from "@loom-bridge/protocol";
import type { MetadataSource } from "./connection/metadata.ts";
import type { Logger } from "./logger.ts";
import type { Credentials, Protocol } from "./transport/node-transport.ts";

export interface BridgeClientOptions {
  /**
   * `host:port`, `http://…` or `https://…`. Default: the environment variable LOOM_BRIDGE_ADDR, else
   * `localhost:50051`.
   */
  address?: string;
  /** Makes the connection a TLS one. Default: TLS only for an `https://` address, with the certificates of Node. */
  credentials?: Credentials;
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
