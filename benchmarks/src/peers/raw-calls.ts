import type { OpenCalls, ToolMessage } from "./peer.ts";
import { createFrameReader } from "./raw-frames.ts";
import { openRawLink } from "./raw-link.ts";

const refBytes = 4;

/** The same four hops over streams of node:http2: a number and JSON both ways, and nothing else. */
export const openRawCalls: OpenCalls = async (address, _agentName, onFailure) => {
  const link = await openRawLink(address, onFailure);
  const waiting = new Map<number, (message: ToolMessage) => void>();
  let send: ReturnType<typeof link.sender> | undefined;
  let lastRef = 0;
  return {
    async provide(name) {
      const answers = link.sender(`${name}.answers`);
      const answer = (frame: Buffer): void => answers.write(encode(frame.readUInt32BE(0), decode(frame)));
      await link.receive([name], createFrameReader(answer));
    },
    async call(name, message) {
      if (send === undefined) {
        send = link.sender(name);
        const settle = (frame: Buffer): void => {
          const ref = frame.readUInt32BE(0);
          waiting.get(ref)?.(decode(frame));
          waiting.delete(ref);
        };
        await link.receive([`${name}.answers`], createFrameReader(settle));
      }
      lastRef += 1;
      const ref = lastRef;
      send.write(encode(ref, message));
      return new Promise((resolve) => waiting.set(ref, resolve));
    },
    close: () => link.close(),
  };
};

function encode(ref: number, message: ToolMessage): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const frame = Buffer.alloc(refBytes + json.byteLength);
  frame.writeUInt32BE(ref, 0);
  json.copy(frame, refBytes);
  return frame;
}

function decode(frame: Buffer): ToolMessage {
  return JSON.parse(frame.toString("utf8", refBytes)) as ToolMessage;
}
