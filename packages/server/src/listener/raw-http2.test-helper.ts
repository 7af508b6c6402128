import type { Socket } from "node:net";
import type { TestContext } from "node:test";
import { openSocket, until } from "./listener.test-helper.ts";

export const frameTypes = { data: 0, headers: 1, rstStream: 3, settings: 4, goaway: 7 } as const;
export const flags = { endStream: 1, endHeaders: 4 } as const;

export interface Frame {
  type: number;
  flags: number;
  streamId: number;
  payload: Buffer;
}

/** HTTP/2 by hand, for what no honest client sends. https://www.rfc-editor.org/rfc/rfc9113#section-4.1 */
export interface RawHttp2 {
  readonly socket: Socket;
  readonly received: readonly Frame[];
  send(...frames: Frame[]): void;
  /** Resolves with the first frame of this type on this stream. */
  frame(type: number, streamId: number): Promise<Frame>;
}

export const preface: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Connects and says hello. */
export async function openRawHttp2(t: TestContext, port: number): Promise<RawHttp2> {
  const socket = await openSocket(t, port);
  const received: Frame[] = [];
  let pending: Buffer = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 9 && pending.length >= 9 + pending.readUIntBE(0, 3)) {
      const end = 9 + pending.readUIntBE(0, 3);
      const payload = pending.subarray(9, end);
      received.push({ type: pending[3] ?? 0, flags: pending[4] ?? 0, streamId: pending.readUInt32BE(5), payload });
      pending = pending.subarray(end);
    }
  });
  socket.write(preface);
  const raw: RawHttp2 = {
    socket,
    received,
    send: (...frames) => void socket.write(Buffer.concat(frames.map(encodeFrame))),
    async frame(type, streamId) {
      const find = (): Frame | undefined =>
        received.find((frame) => frame.type === type && frame.streamId === streamId);
      await until(() => find() !== undefined);
      return find() as Frame;
    },
  };
  raw.send({ type: frameTypes.settings, flags: 0, streamId: 0, payload: Buffer.alloc(0) });
  return raw;
}

/** The head of a gRPC call. */
export function grpcHeaders(streamId: number, path: string, more: Record<string, string> = {}): Frame {
  const headers = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc+proto",
    te: "trailers",
    ...more,
  };
  const payload = Buffer.concat(
    Object.entries(headers).map(([name, value]) => Buffer.concat([Buffer.of(0), hpackText(name), hpackText(value)])),
  );
  return { type: frameTypes.headers, flags: flags.endHeaders, streamId, payload };
}

/** A message with its prefix, as gRPC sends it. */
export function envelope(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

function encodeFrame({ type, flags: flagBits, streamId, payload }: Frame): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flagBits;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** A literal of at most 126 bytes without Huffman code. https://www.rfc-editor.org/rfc/rfc7541#section-5.2 */
function hpackText(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
}
