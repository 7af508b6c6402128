import { Code, ConnectError, createConnectRouter } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { limits, type Runtime } from "@loom-bridge/protocol";
import type { Bridge } from "@loom-bridge/server";
import type { Call, CallEnd } from "./call.ts";
import { ConnectServerEnd } from "./connect-server-end.ts";
import { takeDeadline } from "./deadline.ts";
import { RawServerEnd } from "./raw-server-end.ts";

/** One bridge in the place where clients look for it. */
export interface Place {
  readonly bridge: Bridge;
  /** Opens the bridge's end of a call. */
  accept(call: Call, path: string, headers: Headers): CallEnd | undefined;
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
  return {
    bridge,
    accept(call, path, headers) {
      const timeoutMs = takeDeadline(headers);
      const stream = bridge.streams.get(path);
      if (stream !== undefined) return new RawServerEnd(call, stream, runtime, timeoutMs);
      const handler = handlers.get(path);
      if (handler !== undefined) return new ConnectServerEnd(call, handler, headers, runtime, timeoutMs);
      const error = new ConnectError(`no handler for ${path}`, Code.Unimplemented);
      call.send("down", { kind: "headers", headers: new Headers({ "content-type": "application/grpc+proto" }) });
      call.send("down", { kind: "end", trailers: setTrailerStatus(new Headers(), error) });
      return undefined;
    },
    async close() {
      shutdown.abort(new ConnectError("the bridge is shutting down", Code.Unavailable));
      await bridge.close();
    },
  };
}
