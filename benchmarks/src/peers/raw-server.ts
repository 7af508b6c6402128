import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import type { RunningServer } from "./peer.ts";

const windowBytes = 4 * 1_048_576;

/**
 * The limit: node:http2 that passes the chunks of one stream on to another and looks at none of them. A receiver must
 * have one sender only, or frames of two would mix.
 */
export async function startRawServer(): Promise<RunningServer> {
  const receivers = new Map<string, Set<ServerHttp2Stream>>();
  const server = createServer({ settings: { initialWindowSize: windowBytes } });
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.setLocalWindowSize(windowBytes);
    session.once("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => stream.destroy());
    stream.respond({ ":status": 200 });
    const { "x-send": topic, "x-receive": wanted } = headers as Record<string, string | undefined>;
    for (const name of wanted?.split(",") ?? []) {
      const known = receivers.get(name) ?? new Set();
      receivers.set(name, known.add(stream));
      stream.once("close", () => known.delete(stream));
    }
    if (topic !== undefined) {
      stream.on("data", (chunk: Buffer) => {
        for (const receiver of receivers.get(topic) ?? []) {
          if (receiver.write(chunk)) continue;
          stream.pause();
          receiver.once("drain", () => stream.resume());
        }
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
