import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import {
  ClientEventSchema,
  type Delivery,
  DeliverySchema,
  EventSchema,
  Feature,
  Qos,
} from "@loom-bridge/protocol/messages";
import { createBridge } from "../../bridge.ts";
import { anyone } from "../../domain/access/anyone.test-helper.ts";
import { createManualRuntime } from "../../domain/manual-runtime.ts";
import type { MessageStream } from "../../listener/message-stream.ts";

type Said = NonNullable<MessageInitShape<typeof ClientEventSchema>["event"]>;

const encode = (event: Said): Uint8Array => toBinary(ClientEventSchema, create(ClientEventSchema, { event }));
/** Lets what is ready happen, writes of the next tick too. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A bridge that is reached by message streams without a network. */
function startBridge() {
  const runtime = { ...createManualRuntime(), defer: (callback: () => void) => void setImmediate(callback) };
  const bridge = createBridge({ runtime });
  const [handler] = bridge.streams.values();
  assert.ok(handler !== undefined);
  return {
    runtime,
    bridge,
    /** `reads`: whether the network takes what is written. */
    open({ reads = true } = {}) {
      const state = {
        writes: [] as Uint8Array[],
        end: undefined as { error?: ConnectError } | undefined,
        paused: false,
      };
      const wire: MessageStream = {
        writeMaxBytes: 4_194_304,
        pause: () => (state.paused = true),
        resume: () => (state.paused = false),
        write(envelopes) {
          state.writes.push(envelopes);
          return reads;
        },
        end: (error) => void (state.end ??= error === undefined ? {} : { error }),
      };
      const receiver = handler(wire, anyone);
      return {
        state,
        receiver,
        say: (...events: Said[]) => {
          for (const event of events) receiver.onMessage(encode(event));
        },
        heard: () => readAll(Buffer.concat(state.writes)),
      };
    },
  };
}

function readAll(bytes: Buffer): Delivery["delivery"][] {
  const deliveries: Delivery["delivery"][] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    deliveries.push(fromBinary(DeliverySchema, bytes.subarray(at + 5, end)).delivery);
    at = end;
  }
  return deliveries;
}

const register = (agentId: string, more: object = {}): Said => ({ case: "register", value: { agentId, ...more } });

function batch(topic: string, firstRef: number, count: number): Said {
  const event = toBinary(EventSchema, create(EventSchema, { payload: new Uint8Array(1000) }));
  const items = Array.from({ length: count }, (_, index) => ({ topic, event, id: `${topic}-${firstRef + index}` }));
  return { case: "publishBatch", value: { firstRef: BigInt(firstRef), items } };
}

test("what comes in one piece with Register is heard, after the Ack was sent", async () => {
  const { open } = startBridge();
  const agent = open();
  agent.say(register("eager", { features: [Feature.BATCHES] }), batch("a.b", 1, 3));
  await settle();
  assert.deepEqual(
    agent.heard().map(({ case: kind }) => kind),
    ["ack", "receiptBatch"],
  );
});

test("all that a tick brings leaves in one write, as one batch or as plain events in order", async () => {
  const { open } = startBridge();
  const batched = open();
  batched.say(register("batched", { topics: ["a.*"], features: [Feature.BATCHES] }));
  const plain = open();
  plain.say(register("plain", { topics: ["a.*"] }));
  const publisher = open();
  publisher.say(register("publisher"));
  await settle();
  for (const id of ["1", "2", "3"]) {
    publisher.say({ case: "publish", value: { topic: "a.b", event: { id } } });
    // All promises there are, and no tick.
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  }
  await settle();
  for (const { state } of [batched, plain]) assert.equal(state.writes.length, 2);
  const [, events] = batched.heard();
  assert.ok(events?.case === "eventBatch");
  assert.deepEqual(
    events.value.events.map(({ sender, event }) => [sender, fromBinary(EventSchema, event).id]),
    ["1", "2", "3"].map((id) => ["publisher", id]),
  );
  assert.deepEqual(
    plain
      .heard()
      .slice(1)
      .map(({ case: kind, value }) => kind === "event" && [value.id, value.metadata]),
    ["1", "2", "3"].map((id) => [id, { "loom.sender": "publisher" }]),
  );
});

test("a call and its answer leave when all promises have settled, without a turn of the event loop", async () => {
  const { open } = startBridge();
  const provider = open();
  const tools = [{ name: "echo", parametersSchema: '{"type":"object"}' }];
  provider.say(register("provider", { tools, features: [Feature.BATCHES] }));
  const caller = open();
  caller.say(register("caller", { features: [Feature.BATCHES] }));
  await settle();
  const turn = new Promise((resolve) => setImmediate(() => resolve("a turn")));
  const sent = async (agent: typeof caller): Promise<Delivery["delivery"] | undefined> => {
    for (let tick = 0; tick < 50; tick += 1) {
      await Promise.race([new Promise<void>((resolve) => process.nextTick(resolve)), turn]);
      if (agent.state.writes.length > 1) break;
    }
    return agent.heard()[1];
  };

  caller.say({ case: "toolRequest", value: { ref: 1, call: { name: "echo", arguments: "{}" } } });
  const request = await sent(provider);
  assert.ok(request?.case === "toolRequest");
  provider.say({ case: "toolResponse", value: { ref: request.value.ref, result: { output: "7" } } });
  const response = await sent(caller);
  assert.ok(response?.case === "toolResponse");
  assert.equal(response.value.result?.output, "7");
  assert.equal(await Promise.race([turn, Promise.resolve("none yet")]), "none yet");
});

test("a subscriber that does not read holds a bounded part, and still gets its status when its session ends", async () => {
  const { open, bridge } = startBridge();
  const subscriptions = [{ id: 1, filters: ["a.b"], qos: Qos.REALTIME }];
  const slow = open({ reads: false });
  slow.say(register("slow", { subscriptions, features: [Feature.BATCHES] }));
  const publisher = open();
  publisher.say(register("publisher"));
  await settle();
  for (let round = 0; round < 40; round += 1) {
    publisher.say(batch("a.b", 1 + round * 256, 256));
    await settle();
  }
  const written = slow.state.writes.reduce((sum, { length }) => sum + length, 0);
  assert.ok(written < 700_000, `${written} of 10 million bytes`);
  assert.equal(slow.state.end === undefined, true);
  await bridge.close();
  await settle();
  assert.equal(slow.state.end?.error?.code, Code.Unavailable);
});

test("a client that reads again gets what waited", async () => {
  const { open } = startBridge();
  const slow = open({ reads: false });
  slow.say(register("slow", { topics: ["a.b"], features: [Feature.BATCHES] }));
  const publisher = open();
  publisher.say(register("publisher"), batch("a.b", 1, 5));
  await settle();
  assert.equal(slow.state.writes.length, 1);
  slow.receiver.onDrain();
  await settle();
  const [, events] = slow.heard();
  assert.ok(events?.case === "eventBatch");
  assert.equal(events.value.events.length, 5);
});

test("publishes that wait for a full queue pause their stream until there is room", async () => {
  const { open } = startBridge();
  const slow = open({ reads: false });
  slow.say(register("slow", { topics: ["a.b"] }));
  const publisher = open();
  publisher.say(register("publisher"));
  await settle();
  for (let round = 0; round < 80 && !publisher.state.paused; round += 1)
    publisher.say(batch("a.b", 1 + round * 100, 100));
  assert.equal(publisher.state.paused, true);
  slow.receiver.onAbort({ code: Code.Canceled } as ConnectError);
  await settle();
  assert.equal(publisher.state.paused, false);
});

test("a client that ends its side at once gets what its last words brought it, and OK", async () => {
  const { open } = startBridge();
  const agent = open();
  agent.say(register("brief", { topics: ["a.b"] }));
  await settle();
  agent.say({ case: "publish", value: { topic: "a.b", event: { id: "own" } } });
  agent.receiver.onEnd();
  await settle();
  assert.deepEqual(
    agent.heard().map(({ case: kind }) => kind),
    ["ack", "event"],
  );
  assert.deepEqual(agent.state.end, {});
});

test("a message that is none ends the stream with INTERNAL, and what is no event reaches no plain subscriber", async () => {
  const { open } = startBridge();
  const plain = open();
  plain.say(register("plain", { topics: ["a.b"] }));
  const publisher = open();
  publisher.say(register("publisher"));
  await settle();
  const items = [{ topic: "a.b", event: Buffer.of(0x0a, 9), id: "broken" }];
  publisher.say({ case: "publishBatch", value: { firstRef: 1n, items } });
  publisher.receiver.onMessage(Buffer.of(0x22, 200));
  await settle();
  assert.equal(publisher.state.end?.error?.code, Code.Internal);
  assert.equal(plain.state.end, undefined);
  assert.equal(plain.state.writes.length, 1);
});

test("a stream without a Register ends in time, and leaves no timer", async () => {
  const { open, runtime } = startBridge();
  const before = runtime.pendingTimers();
  const silent = open();
  assert.equal(runtime.pendingTimers(), before + 1);
  runtime.advance(5000);
  await settle();
  assert.equal(silent.state.end?.error?.code, Code.DeadlineExceeded);
  assert.equal(runtime.pendingTimers(), before);
});
