import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { RegisterSchema } from "@loom-bridge/protocol/messages";
import { testRefuse } from "./listener.test-helper.ts";
import { createMessageInspector, type MessageInspectorOptions } from "./message-inspector.ts";

const inspector = (options: Partial<MessageInspectorOptions> = {}) =>
  createMessageInspector({
    enveloped: false,
    json: false,
    gzip: false,
    input: RegisterSchema,
    limits: { readMaxBytes: 1_000_000, maxCompressionRatio: 100 },
    refuse: testRefuse,
    ...options,
  });
const inspect = async (bytes: Uint8Array, options?: Partial<MessageInspectorOptions>, flags = 0) =>
  await inspector(options)({ bytes, flags });

test("a message is passed on as it is, or unpacked", async () => {
  const message = toBinary(RegisterSchema, create(RegisterSchema, { agentId: "a" }));
  assert.deepEqual(await inspect(message), message);
  assert.deepEqual(new Uint8Array(await inspect(gzipSync(message), { gzip: true })), message);
  const envelope = Buffer.from(await inspect(gzipSync(message), { gzip: true, enveloped: true }, 1));
  assert.deepEqual([...envelope], [0, 0, 0, 0, message.length, ...message]);
  assert.deepEqual([...(await inspect(message, { enveloped: true }, 2))], [2, 0, 0, 0, message.length, ...message]);
});

test("a message that unpacks to more than a hundred times its size, or readMaxBytes, is refused by the limit's name", async () => {
  const bomb = gzipSync(Buffer.alloc(900_000));
  const refused = { code: Code.ResourceExhausted, rawMessage: /maxCompressionRatio, 100/ };
  await assert.rejects(inspect(bomb, { gzip: true }), refused);
  const limits = { readMaxBytes: 1000, maxCompressionRatio: 100 };
  const tooLarge = { code: Code.ResourceExhausted, rawMessage: /readMaxBytes, 1000$/ };
  await assert.rejects(inspect(bomb, { gzip: true, limits }), tooLarge);
  assert.equal((await inspect(gzipSync(Buffer.alloc(60_000, " ")), { gzip: true, json: true })).length, 60_000);
});

test("gzip that is cut off or none is invalid", async () => {
  const packed = gzipSync("some text");
  for (const bytes of [packed.subarray(0, packed.length - 9), Buffer.from("none")]) {
    await assert.rejects(inspect(bytes, { gzip: true }), { code: Code.InvalidArgument });
  }
});

test("a message with too many fields, or JSON that is too deep or has too many values, is refused before it is parsed", async () => {
  const topics = Array.from({ length: 32_769 }, () => "");
  const bytes = toBinary(RegisterSchema, create(RegisterSchema, { topics }));
  const tooMany = { code: Code.ResourceExhausted, rawMessage: /more than 32768/ };
  await assert.rejects(async () => await inspect(bytes), tooMany);
  await inspect(bytes.subarray(2));
  const text = (json: string) => inspect(Buffer.from(json), { json: true });
  await assert.rejects(async () => await text(`[${"0,".repeat(32_768)}0]`), tooMany);
  await assert.rejects(async () => await text("[".repeat(101)), {
    code: Code.InvalidArgument,
    rawMessage: /101 levels/,
  });
  await text("[".repeat(100));
});
