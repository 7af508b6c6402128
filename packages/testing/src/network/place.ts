import { Code, ConnectError, createConnectRouter } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { limits, type Runtime } from "@loom-bridge/protocol";
import type { Admission, Bridge, Principal } from "@loom-bridge/server";
import type { Clock } from "../clock/clock.ts";
import type { Call, CallEnd } from "./call.ts";
import { ConnectServerEnd } from "./connect-server-end.ts";
import { takeDeadline } from "./deadline.ts";
import { RawServerEnd } from "./raw-server-end.ts";

/** The beginning of a call, as it arrives at the bridge. */
export interface Arrival {
  readonly path: string;
  readonly headers: Headers;
  /** Whose link it is, where the test vouches for that. */
  readonly principal: Principal | undefined;
}

/** One bridge in the place where clients look for it. */
export interface Place {
  readonly bridge: Bridge;
  /** Finds out who makes a call, and opens the bridge's end of it. Time waits for what is given to `track`. */
  accept(call: Call, arrival: Arrival, track: Clock["track"]): void;
  close(): Promise<void>;
}

export function openPlace(bridge: Bridge): Place {
  const shutdown = new AbortController();
  const router = createConnectRouter({
    interceptors: [...bridge.interceptors],
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.messageBytes,
    shutdownSignal: shutdown.signal,
  });
  bridge.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const runtime: Runtime = bridge.runtime;
  const refuse = (call: Call, error: ConnectError): undefined => {
    call.send("down", { kind: "headers", headers: call.responseHeaders() });
    call.send("down", { kind: "end", trailers: setTrailerStatus(new Headers(), error) });
    return undefined;
  };
  const open = (call: Call, { path, headers }: Arrival, admission: Admission): CallEnd | undefined => {
    if (admission instanceof ConnectError) return refuse(call, admission);
    const timeoutMs = takeDeadline(headers);
    // Only bytes of protobuf can pass Connect by, as at the listener.
    const stream = call.codec.name === "proto" ? bridge.streams.get(path) : undefined;
    if (stream !== undefined) return new RawServerEnd(call, stream, { access: admission, runtime, timeoutMs });
    const handler = handlers.get(path);
    if (handler === undefined) return refuse(call, new ConnectError(`no handler for ${path}`, Code.Unimplemented));
    return new ConnectServerEnd(call, handler, { headers, admission, runtime, timeoutMs });
  };
  return {
    bridge,
    accept(call, arrival, track) {
      const { principal, headers: header } = arrival;
      const admission =
        principal === undefined
          ? bridge.admit({ header, certificate: undefined, remoteAddress: "" })
          : bridge.vouchFor(principal);
      if (!(admission instanceof Promise)) return void (call.server = open(call, arrival, admission));
      // Nothing of the body is read before it is known whose it is.
      call.channel("up").pause();
      const admitted = admission.then((found) => {
        call.server = open(call, arrival, found);
        call.channel("up").resume();
      });
      void track(admitted, `the authentication of ${arrival.path}`);
    },
    async close() {
      shutdown.abort(new ConnectError("the bridge is shutting down", Code.Unavailable));
      await bridge.close();
    },
  };
}
