import { once } from "node:events";
import { connect, type Socket } from "node:net";

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const flags = { none: 0, ack: 1, endStream: 1, endHeaders: 4 } as const;
export const errorCodes = { protocolError: 1, flowControl: 3, refusedStream: 7, cancel: 8, calm: 11 } as const;
export const preface: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const streamPath = "/loom.bridge.v1.BridgeService/Stream";
export const infoPath = "/loom.bridge.v1.BridgeService/GetInfo";
export const subscribePath = "/loom.bridge.v1.BridgeService/Subscribe";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** HTTP/2 by hand, for what no honest client sends. https://www.rfc-editor.org/rfc/rfc9113#section-4.1 */
export interface RawHttp2 {
  readonly socket: Socket;
  /** What the bridge sent, in order. */
  readonly received: readonly Frame[];
  readonly closed: boolean;
  /** Sends frames, or any other bytes. Resolves when the system took them, or the connection is closed. */
  send(...frames: Uint8Array[]): Promise<void>;
  /** Resolves with the first frame like that, or nothing when the connection closes before. */
  frame(type: number, streamId?: number): Promise<Frame | undefined>;
  /** Resolves when the bridge has closed the connection. */
  whenClosed(): Promise<void>;
  destroy(): void;
}

export interface RawOptions {
  /** The SETTINGS to begin with. Default: none. */
  readonly settings?: Uint8Array;
  /** Whether to say HTTP/2's hello. Default: yes. */
  readonly hello?: boolean;
}

export async function openRaw(port: number, { settings, hello = true }: RawOptions = {}): Promise<RawHttp2> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  const received: Frame[] = [];
  let waiting: (() => void)[] = [];
  let pending: Buffer = Buffer.alloc(0);
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const each of woken) each();
  };
  socket.on("error", () => {});
  socket.on("close", wake);
  socket.on("data", (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= 9 && pending.length >= 9 + pending.readUIntBE(0, 3)) {
      const end = 9 + pending.readUIntBE(0, 3);
      const [type = 0, frameFlags = 0] = [pending[3], pending[4]];
      received.push({ type, flags: frameFlags, streamId: pending.readUInt32BE(5), payload: pending.subarray(9, end) });
      pending = pending.subarray(end);
    }
    wake();
  });
  const raw: RawHttp2 = {
    socket,
    received,
    get closed() {
      return socket.closed;
    },
    send: (...frames) =>
      new Promise((resolve) => {
        if (socket.destroyed) return resolve();
        socket.once("close", resolve);
        socket.write(Buffer.concat(frames), () => {
          socket.off("close", resolve);
          resolve();
        });
      }),
    async frame(type, streamId) {
      for (;;) {
        const found = received.find((each) => each.type === type && each.streamId === (streamId ?? each.streamId));
        if (found !== undefined || socket.closed) return found;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    async whenClosed() {
      while (!socket.closed) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    destroy: () => void socket.destroy(),
  };
  if (hello) await raw.send(preface, frame(frameTypes.settings, 0, 0, settings));
  return raw;
}

export function frame(
  type: number,
  frameFlags: number,
  streamId: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = frameFlags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** The head of a gRPC call. A header with the value undefined is left out. */
export function callHeaders(
  streamId: number,
  path: string,
  { more = {}, frameFlags = flags.endHeaders }: { more?: Record<string, string | undefined>; frameFlags?: number } = {},
): Buffer {
  return frame(frameTypes.headers, frameFlags, streamId, headerBlock(path, more));
}

export function headerBlock(path: string, more: Record<string, string | undefined> = {}): Buffer {
  const headers: Record<string, string | undefined> = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc+proto",
    te: "trailers",
    ...more,
  };
  const pairs = Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return Buffer.concat(pairs.map(([name, value]) => Buffer.concat([Buffer.of(0), hpackText(name), hpackText(value)])));
}

/** A message with its prefix, as gRPC sends it. */
export function envelope(message: Uint8Array, envelopeFlags = 0): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes[0] = envelopeFlags;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}

export function data(streamId: number, payload: Uint8Array, frameFlags: number = flags.none): Buffer {
  return frame(frameTypes.data, frameFlags, streamId, payload);
}

export function reset(streamId: number, code: number = errorCodes.cancel): Buffer {
  return frame(frameTypes.rstStream, 0, streamId, uint32(code));
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One SETTINGS parameter. https://www.rfc-editor.org/rfc/rfc9113#section-6.5.1 */
export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

/** A literal without Huffman code. https://www.rfc-editor.org/rfc/rfc7541#section-5.2 */
function hpackText(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([hpackInteger(bytes.length, 7), bytes]);
}

/** https://www.rfc-editor.org/rfc/rfc7541#section-5.1 */
export function hpackInteger(value: number, prefixBits: number, firstBits = 0): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.of(firstBits | value);
  const bytes = [firstBits | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}
