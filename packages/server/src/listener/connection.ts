import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Runtime, Timer } from "@loom-bridge/protocol";
import type { Breaches } from "../domain/breaches.ts";
import type { Logger } from "../domain/logger.ts";
import type { KeyedCap } from "./keyed-cap.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import type { Members } from "./members.ts";
import type { Call } from "./node-adapter.ts";
import { peerKey } from "./peer-key.ts";
import type { Refuse } from "./refusal.ts";
import { TokenBucket } from "./token-bucket.ts";

/** One connection, once it is known what it speaks. */
export interface Connection {
  /** By what its peer is told from others. */
  readonly peer: string;
  /** The calls on it that are in progress. */
  readonly calls: Set<Call>;
  /** What its peer has taken so far, in bytes. */
  readonly bytesTaken: number;
  /** A request came; the connection is no longer a newcomer. Only for HTTP/1.1. */
  requested(): void;
  /** The connection speaks HTTP/2. */
  adopt(session: ServerHttp2Session): void;
  /** A principal makes a call here. False: it has too many other connections. */
  carries(principal: string): boolean;
  /** A request came that no client of a bridge makes. One too many closes the connection. */
  badRequest(): void;
}

export interface ConnectionParts {
  readonly runtime: Runtime;
  readonly limits: ListenerLimits;
  readonly breaches: Breaches;
  readonly logger: Logger;
  readonly refuse: Refuse;
  /** The connections that each principal has. */
  readonly byPrincipal: KeyedCap;
  readonly sessions: Pick<Members<ServerHttp2Session>, "add" | "delete">;
}

/** What a client has to close its side after we closed ours. */
const lingerMs = 1000;
/** How much of a second's budget may be spent at once. */
const burstSeconds = 10;

/** Watches a connection until it closes: it must come to a request in time, not idle, not misbehave, not grow too old. */
export function watchConnection(socket: Socket, parts: ConnectionParts): Connection {
  const { runtime, limits, breaches, logger, refuse, byPrincipal, sessions } = parts;
  const peer = peerKey(socket.remoteAddress ?? "");
  const calls = new Set<Call>();
  const principals = new Set<string>();
  let session: ServerHttp2Session | undefined;
  let streams = 0;
  let isExpelled = false;
  let idleTimer: Timer | undefined;
  let ageTimer: Timer | undefined;
  const cancelled = createBudget("cancelledCallsPerSec");
  const badRequests = createBudget("badRequestsPerSec");

  function createBudget(limit: "cancelledCallsPerSec" | "badRequestsPerSec"): () => void {
    const perSecond = limits[limit];
    const bucket = new TokenBucket({ perSecond, burst: perSecond * burstSeconds }, runtime.monotonic());
    return () => {
      if (bucket.spend(1, runtime.monotonic()) > 0 && !isExpelled) expel(limit);
    };
  }

  function expel(limit: keyof ListenerLimits): void {
    isExpelled = true;
    breaches.count(limit);
    logger.warn("a connection was closed for what its peer did", { peer, limit, value: limits[limit] });
    if (session === undefined) socket.destroy();
    // Not while nghttp2 reads the frame that was too many: Node 24 then aborts the process.
    // Without an error, Node forgets the code.
    const error = new Error(`the peer used up ${limit}`);
    runtime.defer(() => session?.destroy(error, constants.NGHTTP2_ENHANCE_YOUR_CALM));
  }

  function expireIn(delayMs: number): void {
    idleTimer?.cancel();
    idleTimer = socket.destroyed ? undefined : runtime.setTimer(expire, delayMs);
  }

  function expire(): void {
    if (session === undefined || session.closed) {
      socket.destroy();
      return;
    }
    // A call that crosses it on the way is refused, and its client may make it again. Warning clients first, as HTTP/2
    // has it, needs `nghttp2_submit_shutdown_notice`; without, nghttp2 drops the calls that come after a GOAWAY.
    session.close();
    expireIn(lingerMs);
  }

  function grownOld(): void {
    session?.close();
    ageTimer = runtime.setTimer(() => {
      const value = limits.maxConnectionAgeMs;
      const message = `the connection reached maxConnectionAgeMs, ${value}; connect again`;
      for (const call of calls) {
        call.end(refuse({ code: "unavailable", limit: "maxConnectionAgeMs", value, message, retryable: true }));
      }
      ageTimer = runtime.setTimer(() => socket.destroy(), lingerMs);
    }, limits.connectionAgeGraceMs);
  }

  function watchStream(stream: ServerHttp2Stream, adopted: ServerHttp2Session): void {
    streams += 1;
    idleTimer?.cancel();
    // Not of a stream that was answered in full.
    stream.once("aborted", () => {
      if (!adopted.destroyed) cancelled();
    });
    stream.once("close", () => {
      streams -= 1;
      if (streams === 0) expireIn(adopted.closed ? lingerMs : limits.idleConnectionTimeoutMs);
    });
  }

  expireIn(limits.firstRequestTimeoutMs);
  if (limits.maxConnectionAgeMs > 0) {
    ageTimer = runtime.setTimer(grownOld, limits.maxConnectionAgeMs * (0.9 + 0.2 * runtime.random()));
  }
  socket.once("close", () => {
    for (const principal of principals) byPrincipal.leave(principal);
    idleTimer?.cancel();
    ageTimer?.cancel();
  });
  // An error is followed by "close", and there is nobody to tell.
  socket.on("error", () => {});

  return {
    peer,
    calls,
    get bytesTaken() {
      return socket.bytesWritten;
    },
    requested: () => idleTimer?.cancel(),
    adopt(adopted) {
      session = adopted;
      sessions.add(adopted);
      adopted.once("close", () => sessions.delete(adopted));
      adopted.setLocalWindowSize(limits.connectionWindowBytes);
      adopted.on("stream", (stream) => watchStream(stream, adopted));
    },
    carries(principal) {
      if (principals.has(principal)) return true;
      if (socket.destroyed || !byPrincipal.enter(principal)) return false;
      principals.add(principal);
      return true;
    },
    badRequest: badRequests,
  };
}
