import { once } from "node:events";
import { type ClientHttp2Stream, connect } from "node:http2";
import { FrameWriter } from "./raw-frames.ts";

const windowBytes = 4 * 1_048_576;

/** A connection to the raw server. */
export interface RawLink {
  /** Opens a stream whose frames go to whoever receives the topic. */
  sender(topic: string): FrameWriter;
  /** Opens a stream of what is sent to the topics. Resolves when it stands. */
  receive(topics: readonly string[], onChunk: (chunk: Buffer) => void): Promise<void>;
  close(): Promise<void>;
}

export async function openRawLink(address: string, onFailure: (error: unknown) => void): Promise<RawLink> {
  const session = connect(`http://${address}`, { settings: { initialWindowSize: windowBytes } });
  let closing = false;
  const failed = (error: unknown): void => {
    if (!closing) onFailure(error);
  };
  session.on("error", failed);
  await once(session, "remoteSettings");
  session.setLocalWindowSize(windowBytes);

  function open(headers: Record<string, string>): ClientHttp2Stream {
    const stream = session.request({ ":method": "POST", ":path": "/", ...headers }, { endStream: false });
    stream.on("error", failed);
    return stream;
  }

  return {
    sender: (topic) => new FrameWriter(open({ "x-send": topic })),
    async receive(topics, onChunk) {
      const stream = open({ "x-receive": topics.join(",") });
      stream.on("data", onChunk);
      await once(stream, "response");
    },
    async close() {
      closing = true;
      session.destroy();
    },
  };
}
