import { Server as TlsServer } from "node:tls";
import { Code, ConnectError, type ConnectRouter, type Interceptor } from "@connectrpc/connect";
import { LoomError, type Runtime } from "@loom-bridge/protocol";
import { Access } from "../domain/access/access.ts";
import type { Presented } from "../domain/access/authenticator.ts";
import { anybody } from "../domain/access/principal.ts";
import { createBoundedLogger } from "../domain/bounded-logger.ts";
import { type Breaches, createBreaches } from "../domain/breaches.ts";
import type { Logger } from "../domain/logger.ts";
import { createAcceptor } from "./acceptor.ts";
import { formatAddress, parseAddress, reachableAddress } from "./address.ts";
import type { Admission } from "./admission.ts";
import { bind } from "./bind.ts";
import { createConnections } from "./connections.ts";
import { createHttpServers } from "./http-servers.ts";
import { type ListenerLimits, resolveListenerLimits } from "./listener-limits.ts";
import { createMembers } from "./members.ts";
import type { MessageStreamHandler } from "./message-stream.ts";
import { type Call, createNodeAdapter } from "./node-adapter.ts";
import { createAddressList } from "./peer-key.ts";
import { createRefuse, plainError } from "./refusal.ts";
import { readTlsOptions, type TlsOptions } from "./tls.ts";

export interface ListenerOptions {
  /** `host:port`; see {@link parseAddress}. Port 0 lets the system choose. */
  address: string;
  /** Default: none, plain text. */
  tls?: TlsOptions;
  /** Registers the services. */
  routes: (router: ConnectRouter) => void;
  /**
   * Who answers the plain gRPC calls on HTTP/2 to a path of these routes, faster than Connect does; no interceptor
   * sees them. Default: nobody.
   */
  streams?: ReadonlyMap<string, MessageStreamHandler>;
  logger: Logger;
  runtime: Runtime;
  /** Finds out who makes a call, before its body is read. Never rejects. Default: everybody may do everything. */
  admit?: (presented: Presented) => Admission | Promise<Admission>;
  /** Around every call, the first one outermost. Default: none. */
  interceptors?: readonly Interceptor[];
  limits?: Partial<ListenerLimits>;
  /**
   * Addresses, or networks such as `10.0.0.0/8`, that `maxConnectionsPerIp` does not bind: proxies, and this machine.
   * Default: those of this machine.
   */
  trustedPeers?: readonly string[];
  /** Counts the limits that peers meet. Default: one of its own. */
  breaches?: Breaches;
  /** Tells a peer of a limit. Default: its code and message, without details. */
  toConnectError?: (error: LoomError) => ConnectError;
  /** Whether the process has too much to do for new calls, or for new connections. Default: it never has. */
  load?: Load;
}

/** What a listener asks before it takes on more. */
export interface Load {
  /** Why no call is taken now. */
  refuseCall(): LoomError | undefined;
  /** Whether new connections are closed at once. */
  readonly isFull: boolean;
}

export interface Listener {
  /** The `host:port` that is really bound. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** Where a client on this machine finds it: `http://…` or `https://…`. */
  readonly url: string;
  /**
   * Goes on with another certificate, for connections from now on; open ones stay.
   * @throws LoomError `invalid_argument` when it cannot be used, `failed_precondition` when the listener has no TLS.
   */
  setTls(tls: TlsOptions): void;
  /** Open connections. */
  readonly connections: number;
  /** Calls in progress, streams among them. */
  readonly calls: number;
  /**
   * Tells HTTP/2 clients that the bridge is about to stop (GOAWAY), so that they make their next calls on another
   * connection: behind a load balancer, to another bridge. Calls in progress go on.
   */
  sendAway(): void;
  /**
   * Stops listening, sends GOAWAY, and ends streams with `unavailable` at once. Other calls have `graceMs` to finish;
   * then they get `unavailable` too. Resolves when no connection is left. Further calls change nothing.
   */
  close(options: { graceMs: number }): Promise<void>;
}

const thisMachine = ["127.0.0.0/8", "::1"];

/** What the last statuses have to leave when the grace is over. */
const farewellMs = 250;

/**
 * Serves gRPC, gRPC-Web and Connect over HTTP/1.1 and HTTP/2 on one port.
 * @throws LoomError `invalid_argument` for an address, a certificate or a limit that cannot be used,
 * `failed_precondition` when the port is taken, `permission_denied` when this user may not have it.
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { runtime } = options;
  const wanted = parseAddress(options.address);
  const limits = resolveListenerLimits(options.limits);
  const tls = options.tls === undefined ? undefined : readTlsOptions(options.tls);
  const logger = createBoundedLogger(options.logger, runtime);
  const calls = createMembers<Call>();
  const { breaches = createBreaches(), load } = options;
  const toConnectError = options.toConnectError ?? plainError;
  const refuse = createRefuse(breaches, toConnectError);
  const connections = createConnections({
    runtime,
    limits,
    breaches,
    logger,
    refuse,
    isTrusted: createAddressList(options.trustedPeers ?? thisMachine),
    isFull: () => load?.isFull === true,
  });
  let closing: Promise<void> | undefined;
  const answer = createNodeAdapter({
    admit: options.admit ?? (() => new Access(anybody)),
    calls,
    interceptors: options.interceptors ?? [],
    isClosing: () => closing !== undefined,
    limits,
    logger,
    routes: options.routes,
    streams: options.streams ?? new Map(),
    runtime,
    refuse,
    breaches,
    refuseCall() {
      const error = load?.refuseCall();
      breaches.countError(error);
      return error && toConnectError(error);
    },
  });
  const servers = createHttpServers({ answer, limits, logger });
  const acceptor = createAcceptor({ tls, connections, servers, limits, logger });
  const bound = await bind(acceptor, wanted).catch((error: unknown) => {
    servers.close();
    throw error;
  });
  acceptor.on("error", (error) => logger.error("a connection could not be accepted", { error }));

  function within(delayMs: number, event: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = runtime.setTimer(resolve, delayMs);
      void event.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  async function close(graceMs: number): Promise<void> {
    const reason = new ConnectError("the bridge is shutting down", Code.Unavailable);
    const released = new Promise<void>((resolve) => acceptor.close(() => resolve()));
    connections.sendAway();
    for (const call of calls) if (call.streaming) call.end(reason);
    await within(graceMs, calls.whenEmpty());
    for (const call of calls) call.end(reason);
    servers.close();
    await within(farewellMs, connections.whenEmpty());
    connections.destroyAll();
    await Promise.all([released, connections.whenEmpty()]);
  }

  return {
    ...bound,
    address: formatAddress(bound),
    url: `${tls === undefined ? "http" : "https"}://${formatAddress(reachableAddress(bound))}`,
    setTls(next) {
      if (!(acceptor instanceof TlsServer)) {
        throw new LoomError(
          "failed_precondition",
          "the listener has no TLS, and cannot begin with it while it listens",
        );
      }
      acceptor.setSecureContext(readTlsOptions(next));
    },
    get connections() {
      return connections.size;
    },
    get calls() {
      return calls.size;
    },
    sendAway: () => connections.sendAway(),
    close({ graceMs }) {
      closing ??= close(graceMs);
      return closing;
    },
  };
}
