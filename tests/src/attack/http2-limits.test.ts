import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ClientEventSchema, SubscribeRequestSchema } from "@loom-bridge/protocol/messages";
import {
  callHeaders,
  data,
  envelope,
  errorCodes,
  flags,
  frame,
  frameTypes,
  headerBlock,
  hpackInteger,
  infoPath,
  openRaw,
  setting,
  streamPath,
  subscribePath,
  uint32,
} from "./raw-http2.ts";
import { startVictim } from "./victim.ts";

// Heads, streams and windows beyond the limits.
const victim = await startVictim({ limits: { maxConcurrentStreams: 100, writeStallTimeoutMs: 700 } });

test("row 13: a head of 70 kB, one of 300 headers and one that unpacks to 48 MB are refused", async () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`x-header-${index}`, "value"]));
  // A literal of 3.9 kB goes into the table (index 62); each later byte stands for it.
  const entry = Buffer.concat([
    Buffer.of(0x40),
    Buffer.of(1),
    Buffer.from("x"),
    hpackInteger(3900, 7),
    Buffer.alloc(3900, 97),
  ]);
  const bomb = Buffer.concat([headerBlock(streamPath), entry, Buffer.alloc(12_000, 0x80 | 62)]);
  const heads = {
    large: headerBlock(streamPath, { "x-large": "x".repeat(70_000) }),
    many: headerBlock(streamPath, many),
    bomb,
  };
  for (const [name, head] of Object.entries(heads)) {
    await victim.withstand(async () => {
      const raw = await openRaw(victim.port);
      const pieces = Array.from({ length: Math.ceil(head.length / 16_000) }, (_, index) =>
        head.subarray(index * 16_000, (index + 1) * 16_000),
      );
      await raw.send(
        ...pieces.map((piece, index) =>
          frame(
            index === 0 ? frameTypes.headers : frameTypes.continuation,
            index === pieces.length - 1 ? flags.endHeaders : 0,
            1,
            piece,
          ),
        ),
      );
      const refused = await Promise.race([
        raw.frame(frameTypes.rstStream, 1),
        raw.frame(frameTypes.goaway),
        raw.frame(frameTypes.headers, 1),
      ]);
      assert.notEqual(refused, undefined, name);
      // An answer is 431; everything else ends the stream or the connection.
      if (refused?.type === frameTypes.headers) assert.notEqual(refused.flags & flags.endStream, 0);
      raw.destroy();
    });
  }
});

test("row 14: one stream more than maxConcurrentStreams is refused, and the others go on", async () => {
  await victim.withstand(async () => {
    const raw = await openRaw(victim.port);
    await raw.send(...Array.from({ length: 101 }, (_, index) => callHeaders(2 * index + 1, streamPath)));
    const refused = await raw.frame(frameTypes.rstStream, 201);
    assert.equal(refused?.payload.readUInt32BE(), errorCodes.refusedStream);
    const register = toBinary(
      ClientEventSchema,
      create(ClientEventSchema, { event: { case: "register", value: { agentId: "row-14" } } }),
    );
    await raw.send(data(1, envelope(register)));
    assert.notEqual(await raw.frame(frameTypes.data, 1), undefined);
    raw.destroy();
  });
});

test("row 15: overflowing the connection's window ends the connection", async () => {
  await victim.withstand(async () => {
    for (let count = 0; count < 100; count += 1) {
      const raw = await openRaw(victim.port);
      await raw.send(callHeaders(1, streamPath), frame(frameTypes.windowUpdate, 0, 0, uint32(2 ** 31 - 1)));
      await raw.whenClosed();
    }
  });
});

test("row 17: 100 subscribers that read nothing are given up in time, and their queues are bounded", async () => {
  const state = await victim.withstand(
    async () => {
      // A window of 0 for every stream: nothing but heads can be sent.
      const raw = await openRaw(victim.port, { settings: setting(4, 0) });
      const message = toBinary(SubscribeRequestSchema, create(SubscribeRequestSchema, { filters: ["row.17"] }));
      for (let index = 0; index < 100; index += 1) {
        await raw.send(
          callHeaders(2 * index + 1, subscribePath),
          data(2 * index + 1, envelope(message), flags.endStream),
        );
      }
      for (let index = 0; index < 100; index += 1) await raw.frame(frameTypes.headers, 2 * index + 1);
      const payload = new Uint8Array(50_000);
      for (let count = 0; count < 200; count += 1) await victim.client.publish({ topic: "row.17", event: { payload } });
      for (let index = 0; index < 100; index += 1) await raw.frame(frameTypes.rstStream, 2 * index + 1);
      raw.destroy();
    },
    { heldMib: 16 },
  );
  assert.ok((state.breaches["writeStallTimeoutMs"] ?? 0) >= 100);
});

test("row 18: a client that sends more than its window ends its connection", async () => {
  await victim.withstand(async () => {
    const raw = await openRaw(victim.port);
    await raw.send(callHeaders(1, streamPath), data(1, envelope(Buffer.alloc(4)).subarray(0, 5)));
    const piece = data(1, Buffer.alloc(16_000));
    for (let count = 0; count < 1000 && !raw.closed; count += 1) {
      await Promise.race([raw.send(piece), new Promise((resolve) => setTimeout(resolve, 1000))]);
    }
    raw.destroy();
  });
});

test("rows 14 and 31: a unary call whose body never comes is ended", async () => {
  const slow = await startVictim({ limits: { requestTimeoutMs: 300 } });
  const raw = await openRaw(slow.port);
  await raw.send(callHeaders(1, infoPath));
  await raw.frame(frameTypes.rstStream, 1);
  assert.equal((await slow.state()).breaches["requestTimeoutMs"], 1);
  raw.destroy();
});
