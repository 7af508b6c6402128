import type { ServerResponse } from "node:http";
import { constants, type Http2ServerResponse } from "node:http2";
import type { ConnectRouter } from "@connectrpc/connect";
import type { Runtime } from "@loom-bridge/protocol";
import type { Breaches } from "../domain/breaches.ts";
import { closeAfterTrailers } from "./close-after-trailers.ts";
import type { ListenerLimits } from "./listener-limits.ts";
import { createStallWatch } from "./stall-watch.ts";

/** What Connect answers. */
export type Answer = Awaited<ReturnType<ConnectRouter["handlers"][number]>>;

export interface ResponseWriter {
  /** Whether the client has left. */
  readonly isGone: boolean;
  /** Sends an answer, as fast as the client reads. Resolves when all is handed over, or the client is gone. */
  send(answer: Answer): Promise<void>;
  /** Sends a status alone, or cuts an answer that has begun. */
  fail(status: number): void;
}

export interface ResponseWriterOptions {
  readonly runtime: Runtime;
  readonly limits: Pick<ListenerLimits, "writeStallTimeoutMs">;
  readonly breaches: Breaches;
  readonly connection: { readonly bytesTaken: number };
}

/**
 * Writes to a response. Connect's own writer waits for room without noticing that the client has left; a handler
 * whose client stopped reading and then hung up would stay for ever. So would one whose client just stopped reading.
 */
export function createResponseWriter(
  response: ServerResponse | Http2ServerResponse,
  { runtime, limits, breaches, connection }: ResponseWriterOptions,
): ResponseWriter {
  let gone = false;
  let wake: (() => void) | undefined;
  const stall = createStallWatch({
    runtime,
    timeoutMs: limits.writeStallTimeoutMs,
    bytesTaken: () => connection.bytesTaken,
    onStall() {
      breaches.count("writeStallTimeoutMs");
      // It reads nothing, so there is no telling it.
      if ("stream" in response) response.stream.close(constants.NGHTTP2_CANCEL);
      else response.destroy();
    },
  });
  response.once("close", () => {
    gone = true;
    stall.drained();
    wake?.();
  });
  response.on("drain", () => {
    stall.drained();
    wake?.();
  });
  // What is written to a socket that just broke ends here; "close" follows.
  response.on("error", () => {});

  async function send(answer: Answer): Promise<void> {
    const chunks = answer.body?.[Symbol.asyncIterator]();
    try {
      let chunk = await chunks?.next();
      if (gone) return;
      response.statusCode = answer.status;
      for (const [name, value] of answer.header ?? []) response.setHeader(name, value);
      // Node would end the stream with the headers of an answer without a body, and drop its trailers.
      if ("stream" in response) response.writeHead(answer.status);
      while (chunk !== undefined && chunk.done !== true) {
        if (!write(response, chunk.value)) {
          stall.blocked();
          await new Promise<void>((resolve) => (wake = resolve));
        }
        chunk = gone ? undefined : await chunks?.next();
        if (gone) return;
      }
      if (answer.trailer !== undefined) response.addTrailers(Object.fromEntries(answer.trailer));
      if ("stream" in response) closeAfterTrailers(response.stream, runtime);
      response.end();
      // Watched until it closes: its end may wait for the client too.
      stall.blocked();
    } finally {
      // Not waited for: a handler may take its time to clean up.
      chunks?.return?.().catch(() => {});
    }
  }

  return {
    get isGone() {
      return gone;
    },
    send,
    fail(status) {
      if (gone) return;
      if (response.headersSent) {
        if ("stream" in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
        else response.destroy();
        return;
      }
      // What is left of the request is not read, so an HTTP/1.1 connection cannot be used again.
      if (!("stream" in response)) response.setHeader("connection", "close");
      response.statusCode = status;
      response.end();
    },
  };
}

function write(response: ServerResponse | Http2ServerResponse, chunk: Uint8Array): boolean {
  return "stream" in response ? response.write(chunk) : response.write(chunk);
}
