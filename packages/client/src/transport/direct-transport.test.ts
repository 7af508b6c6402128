import assert from "node:assert/strict";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  BridgeService,
  type ClientEvent,
  ClientEventSchema,
  DeliverySchema,
  ExplainRequestSchema,
  ExplainResponseSchema,
} from "@loom-bridge/protocol/messages";
import { createNodeTransport, type NodeTransport } from "./node-transport.ts";

let server: Http2Server;
let transport: NodeTransport;
let accept: (stream: ServerHttp2Stream) => void;
const streams = new Set<ServerHttp2Stream>();

beforeEach(async () => {
  server = createServer();
  server.on("stream", (stream) => {
    streams.add(stream);
    stream.on("error", () => {});
    stream.on("close", () => streams.delete(stream));
    accept(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  transport = createNodeTransport({
    baseUrl: `http://127.0.0.1:${port}`,
    protocol: "grpc",
    credentials: undefined,
  });
});

afterEach(async () => {
  await transport.close();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

function envelope(message: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

const gap = (lastSequence: number): Buffer =>
  envelope(
    toBinary(
      DeliverySchema,
      create(DeliverySchema, { delivery: { case: "gap", value: { lastSequence: BigInt(lastSequence) } } }),
    ),
  );

const heartbeat = (timestampMs: number): ClientEvent =>
  create(ClientEventSchema, { event: { case: "heartbeat", value: { timestampMs: BigInt(timestampMs) } } });

function answer(stream: ServerHttp2Stream, trailers: Record<string, string> | undefined, ...chunks: Buffer[]): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
  stream.once("wantTrailers", () => (trailers === undefined ? stream.close() : stream.sendTrailers(trailers)));
  for (const chunk of chunks) stream.write(chunk);
}

/** Frames that wait for no end, unless they are told. */
async function* frames(count: number, end?: Promise<void>): AsyncGenerator<ClientEvent> {
  for (let index = 0; index < count; index += 1) yield heartbeat(index);
  await end;
}

const open = (input: AsyncIterable<ClientEvent>, signal?: AbortSignal) =>
  transport.transport.stream(BridgeService.method.stream, signal, 0, undefined, input);

async function read(input: AsyncIterable<ClientEvent> = frames(0), signal?: AbortSignal): Promise<number[]> {
  const sequences: number[] = [];
  for await (const { delivery } of (await open(input, signal)).message) {
    if (delivery.case === "gap") sequences.push(Number(delivery.value.lastSequence));
  }
  return sequences;
}

test("messages come in order, however their bytes are cut, and OK ends them", async () => {
  const whole = Buffer.concat([1, 2, 300].map(gap));
  accept = (stream) => {
    answer(stream, { "grpc-status": "0" }, ...Array.from(whole, (byte) => Buffer.of(byte)));
    stream.end();
  };
  assert.deepEqual(await read(), [1, 2, 300]);
});

test("more messages than anybody has read stop the bridge, and none is lost", async () => {
  const count = 400;
  // Larger than every window and buffer between them.
  const padded = envelope(
    toBinary(
      DeliverySchema,
      create(DeliverySchema, {
        delivery: { case: "drain", value: { reason: "x".repeat(100_000) } },
      }),
    ),
  );
  let written = 0;
  accept = (stream) => {
    answer(stream, { "grpc-status": "0" });
    const write = (): void => {
      while (written < count) {
        written += 1;
        if (!stream.write(padded)) return void stream.once("drain", write);
      }
      stream.end();
    };
    write();
  };
  const { message } = await open(frames(0));
  await new Promise<void>((resolve) => {
    let before = -1;
    const look = (): void => {
      if (written === before) return resolve();
      before = written;
      setTimeout(look, 100);
    };
    look();
  });
  assert.ok(written < count, "the bridge was not stopped");
  let seen = 0;
  for await (const _ of message) seen += 1;
  assert.equal(seen, count);
});

for (const [name, chunk, expected] of [
  ["incomplete", Buffer.of(0, 0, 0, 0, 9, 1), /incomplete/],
  ["compressed", envelope(Buffer.of(1), 1), /compressed/],
  ["too large", Buffer.of(0, 255, 0, 0, 0), /larger than/],
  ["none", envelope(Buffer.of(0xff)), /.+/],
] as const) {
  test(`a message that is ${name} ends the call`, async () => {
    accept = (stream) => {
      answer(stream, { "grpc-status": "0" }, gap(1), chunk);
      stream.end();
    };
    await assert.rejects(read(), expected);
  });
}

test("a status in the trailers, or instead of an answer, is the bridge's error", async () => {
  const status = { "grpc-status": "5", "grpc-message": "no%20such" };
  accept = (stream) => {
    answer(stream, status, gap(1));
    stream.end();
  };
  await assert.rejects(read(), { code: 5, rawMessage: "no such", isWireError: true });
  accept = (stream) =>
    stream.respond({ ":status": 200, "content-type": "application/grpc", ...status }, { endStream: true });
  await assert.rejects(read(), { code: 5, rawMessage: "no such", isWireError: true });
});

test("an answer without a status, a reset and another status of HTTP are no success, and not the bridge's word", async () => {
  const ways: ((stream: ServerHttp2Stream) => void)[] = [
    (stream) => {
      answer(stream, { other: "1" });
      stream.end();
    },
    (stream) => {
      answer(stream, undefined, gap(1));
      stream.close(8);
    },
    (stream) => stream.respond({ ":status": 503 }, { endStream: true }),
    (stream) => stream.session?.destroy(),
  ];
  for (const way of ways) {
    accept = way;
    await assert.rejects(read(), (error: { isWireError?: boolean }) => error.isWireError !== true);
  }
});

test("what a tick brings leaves in one write, and the end follows it", async () => {
  const chunks: Buffer[] = [];
  accept = (stream) => {
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      answer(stream, { "grpc-status": "0" });
      stream.end();
    });
  };
  await read(frames(50));
  const expected = Buffer.concat(
    Array.from({ length: 50 }, (_, index) => envelope(toBinary(ClientEventSchema, heartbeat(index)))),
  );
  assert.ok(Buffer.concat(chunks).equals(expected));
  assert.equal(chunks.length, 1);
});

test("while the bridge does not read, no frame is asked for", async () => {
  let asked = 0;
  async function* large(): AsyncGenerator<ClientEvent> {
    for (; asked < 400; asked += 1) {
      yield create(ClientEventSchema, { event: { case: "goodbye", value: { reason: "x".repeat(100_000) } } });
    }
  }
  const opened = new Promise<ServerHttp2Stream>((resolve) => (accept = resolve));
  const reading = read(large());
  const stream = await opened;
  let before = -1;
  while (asked !== before) {
    before = asked;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(asked < 40, `${asked} frames were taken`);
  stream.resume();
  stream.on("end", () => {
    answer(stream, { "grpc-status": "0" });
    stream.end();
  });
  await reading;
  assert.equal(asked, 400);
});

test("aborting, before or during the call, resets it and lets go of the frames", async () => {
  let returned = 0;
  const input = (): AsyncIterableIterator<ClientEvent> => ({
    next: () => new Promise(() => {}),
    return: () => {
      returned += 1;
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  });
  await assert.rejects(read(input(), AbortSignal.abort()), { code: 1 });
  const controller = new AbortController();
  const closed = new Promise<number>((resolve) => {
    accept = (stream) => {
      answer(stream, {}, gap(1));
      stream.once("close", () => resolve(stream.rstCode ?? -1));
    };
  });
  const { message } = await open(input(), controller.signal);
  const messages = message[Symbol.asyncIterator]();
  assert.equal((await messages.next()).done, false);
  controller.abort();
  await assert.rejects(messages.next(), { code: 1 });
  assert.equal(await closed, 8);
  assert.equal(returned, 1);
});

test("frames that cannot be had or encoded end the call with the reason", async () => {
  accept = (stream) => answer(stream, {});
  async function* broken(): AsyncGenerator<ClientEvent> {
    yield heartbeat(1);
    throw new Error("no more");
  }
  await assert.rejects(read(broken()), /no more/);
  async function* wrong(): AsyncGenerator<ClientEvent> {
    yield create(ClientEventSchema, { event: { case: "heartbeat", value: { timestampMs: "x" as unknown as bigint } } });
  }
  await assert.rejects(read(wrong()), /serialize binary/);
  async function* large(): AsyncGenerator<ClientEvent> {
    yield create(ClientEventSchema, { event: { case: "goodbye", value: { reason: "x".repeat(4_200_000) } } });
  }
  await assert.rejects(read(large()), /larger than/);
});

const explain = async (signal?: AbortSignal): Promise<number> => {
  const { explain: method } = BridgeService.method;
  const { message } = await transport.transport.unary(method, signal, 1000, undefined, { id: "an id" });
  return Number(message.sinceMs);
};
const explained = (sinceMs: number): Buffer =>
  envelope(toBinary(ExplainResponseSchema, create(ExplainResponseSchema, { sinceMs: BigInt(sinceMs) })));

test("a unary call sends one message with its deadline, and gets one, however its bytes are cut", async () => {
  let heard: Buffer[] = [];
  accept = (stream) => {
    stream.on("data", (chunk: Buffer) => heard.push(chunk));
    stream.on("end", () => {
      answer(stream, { "grpc-status": "0" }, ...Array.from(explained(7), (byte) => Buffer.of(byte)));
      stream.end();
    });
  };
  let deadline: string | string[] | undefined;
  server.on("stream", (_stream, headers) => (deadline = headers["grpc-timeout"]));
  assert.equal(await explain(), 7);
  assert.ok(
    Buffer.concat(heard).equals(
      envelope(toBinary(ExplainRequestSchema, create(ExplainRequestSchema, { id: "an id" }))),
    ),
  );
  assert.equal(deadline, "1000m");
  heard = [];
});

test("a unary call that ends with a status fails with it, with or without a message before", async () => {
  const status = { "grpc-status": "5", "grpc-message": "no%20such" };
  const ways: ((stream: ServerHttp2Stream) => void)[] = [
    (stream) => {
      answer(stream, status, explained(7));
      stream.end();
    },
    (stream) => stream.respond({ ":status": 200, "content-type": "application/grpc", ...status }, { endStream: true }),
  ];
  for (const way of ways) {
    accept = way;
    await assert.rejects(explain(), { code: 5, rawMessage: "no such", isWireError: true });
  }
});

test("a unary call without a message, with two, or without a status fails, and not as the bridge's word", async () => {
  const ways: [(stream: ServerHttp2Stream) => void, RegExp][] = [
    [(stream) => answer(stream, { "grpc-status": "0" }), /missing output message/],
    [(stream) => answer(stream, { "grpc-status": "0" }, explained(1), explained(2)), /extra output message/],
    [(stream) => answer(stream, { "grpc-status": "0" }, explained(1).subarray(0, 3)), /incomplete message/],
    [(stream) => answer(stream, { other: "1" }, explained(1)), /missing status/],
    [(stream) => answer(stream, { "grpc-status": "0" }, envelope(Buffer.of(0xff))), /./],
    [(stream) => stream.respond({ ":status": 503 }), /HTTP 503/],
  ];
  for (const [way, expected] of ways) {
    accept = (stream) => {
      way(stream);
      if (!stream.closed) stream.end();
    };
    await assert.rejects(
      explain(),
      (error: Error & { isWireError?: boolean }) => error.isWireError !== true && expected.test(error.message),
      String(expected),
    );
  }
  accept = (stream) => stream.close(7);
  await assert.rejects(explain(), { code: 14 });
  accept = (stream) => stream.session?.destroy();
  await assert.rejects(explain());
});

test("aborting a unary call, before or during it, resets it", async () => {
  await assert.rejects(explain(AbortSignal.abort()), { code: 1 });
  const controller = new AbortController();
  const closed = new Promise<number>((resolve) => {
    accept = (stream) => {
      stream.once("close", () => resolve(stream.rstCode ?? -1));
      controller.abort();
    };
  });
  await assert.rejects(explain(controller.signal), { code: 1 });
  assert.equal(await closed, 8);
});
