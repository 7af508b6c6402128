import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { systemRuntime } from "@loom-bridge/protocol";
import { type ClientEvent, ClientEventSchema, GoodbyeSchema, HeartbeatSchema } from "@loom-bridge/protocol/messages";
import { clientEvent } from "../connection/client-event.ts";
import { Outbox } from "../connection/outbox.ts";
import { FrameSender } from "./frame-sender.ts";

/** A network that takes 64 KiB, then only what it is told to. */
class Network extends Writable {
  readonly chunks: Buffer[] = [];
  #taken: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 65_536 });
  }

  override _write(chunk: Buffer, _encoding: string, taken: () => void): void {
    this.chunks.push(chunk);
    if (chunk.length < 65_536) taken();
    else this.#taken = taken;
  }

  take(): void {
    this.#taken?.();
  }
}

function startSender() {
  const frames: ClientEvent[] = [];
  const outbox = new Outbox(systemRuntime, [{ take: () => frames.shift() }]);
  const feed = { feed: outbox, [Symbol.asyncIterator]: () => outbox };
  const network = new Network();
  const sender = new FrameSender(network, feed);
  return { frames, outbox, network, sender, sent: sender.run() };
}

const goodbye = (reason: string): ClientEvent => clientEvent("goodbye", create(GoodbyeSchema, { reason }));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function envelopes(...frames: ClientEvent[]): Buffer {
  const parts = frames.map((frame) => {
    const bytes = toBinary(ClientEventSchema, frame);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(bytes.length, 1);
    return Buffer.concat([prefix, bytes]);
  });
  return Buffer.concat(parts);
}

test("what a turn brings to an outbox leaves in one write, be it by promises; then comes the end", async () => {
  const { frames, outbox, network, sent } = startSender();
  await turn();
  const said = ["a", "b", "c", "d"].map(goodbye);
  frames.push(said[0] as ClientEvent);
  outbox.hurry();
  await Promise.resolve();
  for (const frame of said.slice(1)) {
    frames.push(frame);
    outbox.hurry();
    await Promise.resolve();
  }
  assert.equal(network.chunks.length, 0);
  await turn();
  assert.deepEqual(network.chunks, [envelopes(...said)]);
  frames.push(goodbye("last"));
  outbox.end();
  await sent;
  assert.deepEqual(network.chunks.slice(1), [envelopes(goodbye("last"))]);
  assert.equal(network.writableEnded, true);
});

test("while the network takes no more, an outbox is asked for no frame", async () => {
  const { frames, outbox, network, sent } = startSender();
  const large = goodbye("x".repeat(100_000));
  frames.push(large, large, large);
  outbox.hurry();
  await turn();
  assert.equal(frames.length, 2);
  outbox.hurry();
  await turn();
  assert.equal(frames.length, 2);
  network.take();
  await turn();
  assert.equal(frames.length, 1);
  outbox.end();
  network.take();
  await turn();
  network.take();
  await sent;
  assert.deepEqual(Buffer.concat(network.chunks), envelopes(large, large, large));
});

test("a sender that is stopped takes nothing more, also when the network has no room", async () => {
  const { frames, outbox, network, sender, sent } = startSender();
  frames.push(goodbye("x".repeat(100_000)), goodbye("later"));
  outbox.hurry();
  await turn();
  sender.stop();
  await sent;
  assert.deepEqual([frames.length, network.chunks.length, network.writableEnded], [1, 1, false]);
});

test("a frame that cannot be encoded, or cannot be had, ends the sending with the reason", async () => {
  const { frames, outbox, sent } = startSender();
  frames.push(clientEvent("heartbeat", create(HeartbeatSchema, { timestampMs: "x" as unknown as bigint })));
  outbox.hurry();
  await assert.rejects(sent, /serialize binary/);
  const broken = new Outbox(systemRuntime, [{ take: () => assert.fail("no more") }]);
  const feed = { feed: broken, [Symbol.asyncIterator]: () => broken };
  await assert.rejects(new FrameSender(new Network(), feed).run(), /no more/);
});
