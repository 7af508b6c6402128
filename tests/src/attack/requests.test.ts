import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClientEventSchema, DeliverySchema, type Feature, PublishRequestSchema } from "@loom-bridge/protocol/messages";
import { post, statuses } from "./post.ts";
import { callHeaders, data, envelope, frameTypes, infoPath, openRaw, streamPath } from "./raw-http2.ts";
import { startVictim } from "./victim.ts";

// Requests whose JSON, headers or kinds are not what a bridge understands.
const victim = await startVictim();
const publishPath = "/loom.bridge.v1.BridgeService/Publish";
const callToolPath = "/loom.bridge.v1.ActionService/ForwardToolCall";

async function postJson(path: string, text: string | Uint8Array): Promise<number> {
  const { status } = await post(victim.url, path, Buffer.from(text), { "content-type": "application/json" });
  return status;
}

const badJson: Record<string, string> = {
  "200 000 levels in a field that nobody knows": `{"nobody":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
  "200 000 levels and no end": "[".repeat(200_000),
  "2 000 000 values": `{"nobody":[${"0,".repeat(2_000_000)}0]}`,
  NaN: '{"event":{"confidence":NaN}}',
  "1e400": '{"event":{"confidence":1e400}}',
  "a number of 1000 digits": `{"event":{"timestampMs":${"9".repeat(1000)}}}`,
  "a byte order mark": "\u{feff}{}",
  "trailing garbage": "{}x",
  "a lone surrogate": '{"topic":"\\ud800"}',
  "a key twice": '{"topic":"a","topic":"b"}',
};
for (const [name, text] of Object.entries(badJson)) {
  test(`row 36: JSON with ${name} is refused`, async () => {
    await victim.withstand(async () => {
      const status = await postJson(publishPath, text);
      assert.ok(status === 400 || status === 429, `${status}`);
    });
  });
}

test("row 36: JSON keys that name a prototype change nothing", async () => {
  await victim.withstand(async () => {
    const polluted =
      '{"topic":"a.b","event":{"metadata":{"__proto__":"x","constructor":"y"}},"__proto__":{"polluted":1}}';
    assert.equal(await postJson(publishPath, polluted), 200);
    assert.equal(await postJson(callToolPath, '{"name":"none","arguments":"{\\"__proto__\\":{}}"}'), 200);
  });
});

test("row 37: messages of unknown kinds, fields and enum values leave the stream alive", async () => {
  await victim.withstand(async () => {
    const raw = await openRaw(victim.port);
    const say = (event: Parameters<typeof create<typeof ClientEventSchema>>[1]): Buffer =>
      data(1, envelope(toBinary(ClientEventSchema, create(ClientEventSchema, event))));
    await raw.send(callHeaders(1, streamPath));
    await raw.send(say({ event: { case: "register", value: { agentId: "row-37", features: [1, 2, 99 as Feature] } } }));
    // Field 200 of the oneof, an empty message, and a field beyond all.
    for (const bytes of [[0xc2, 0x0c, 0], [], [0xfa, 0xff, 0xff, 0xff, 0x0f, 1, 0]]) {
      await raw.send(data(1, envelope(Buffer.from(bytes))));
    }
    await raw.send(say({ event: { case: "heartbeat", value: { timestampMs: 7n } } }));
    const heard = (): string[] => {
      const bytes = Buffer.concat(raw.received.filter(({ type }) => type === frameTypes.data).map((f) => f.payload));
      const kinds: string[] = [];
      for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt32BE(at + 1)) {
        const message = bytes.subarray(at + 5, at + 5 + bytes.readUInt32BE(at + 1));
        kinds.push(fromBinary(DeliverySchema, message).delivery.case ?? "unknown");
      }
      return kinds;
    };
    while (!heard().includes("heartbeatAck") && !raw.closed) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(heard(), ["ack", "heartbeatAck"]);
    raw.destroy();
  });
});

test("row 38: a wrong content type, method, path or codec has its own answer", async () => {
  await victim.withstand(async () => {
    const status = async (path: string, more: Record<string, string>) =>
      (await post(victim.url, path, Buffer.from("{}"), more)).status;
    assert.equal(await status(infoPath, { "content-type": "text/plain" }), 415);
    assert.equal(await status(infoPath, { "content-type": "application/xml" }), 415);
    assert.equal(await status(infoPath, { ":method": "PUT" }), 405);
    assert.equal(await status(publishPath, { ":method": "DELETE" }), 405);
    assert.equal(await status("/nothing.here/At", {}), 404);
    assert.equal(await status("/", {}), 404);
    assert.equal(await status(infoPath, { "content-type": "application/grpc+thrift" }), 415);
  });
});

const body = envelope(toBinary(PublishRequestSchema, create(PublishRequestSchema, { topic: "a.b", event: {} })));
const timeouts: Record<string, number[]> = {
  "0S": [statuses.deadlineExceeded],
  "1n": [statuses.deadlineExceeded, statuses.ok],
  "-1S": [statuses.invalidArgument],
  abc: [statuses.invalidArgument],
  "1234567890S": [statuses.invalidArgument],
  "99999999H": [statuses.ok],
};
for (const [timeout, expected] of Object.entries(timeouts)) {
  test(`row 39: the deadline ${timeout} is refused, passes at once or is as long as it says`, async () => {
    await victim.withstand(async () => {
      const { grpcStatus, message } = await post(victim.url, publishPath, body, { "grpc-timeout": timeout });
      assert.ok(expected.includes(grpcStatus), `${grpcStatus} ${message}`);
    });
  });
}

test("row 40: metadata of a megabyte, in bad base64, with reserved names or beyond ASCII crash nothing", async () => {
  await victim.withstand(async () => {
    const call = (more: Record<string, string>) => post(victim.url, publishPath, body, more);
    const large = await call({ "x-large": "x".repeat(1_000_000) }).catch(() => undefined);
    assert.notEqual(large?.grpcStatus, statuses.ok);
    assert.equal((await call({ "x-data-bin": "!!!not base64!!!" })).grpcStatus, statuses.ok);
    assert.equal((await call({ "grpc-status": "0", "grpc-previous-rpc-attempts": "x" })).grpcStatus, statuses.ok);
    assert.equal((await call({ "x-text": "gr\u00fc\u00df" })).grpcStatus, statuses.ok);
  });
});
