import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { BridgeService, ClientEventSchema } from "@loom-bridge/protocol/messages";
import { createTestBridge, testBridge } from "./test-bridge.ts";

test("a stream that nobody ended is found, with its agent's name", async () => {
  const bridge = testBridge();
  async function* register() {
    yield create(ClientEventSchema, { event: { case: "register", value: { agentId: "ghost" } } });
    await new Promise(() => {});
  }
  const stream = createClient(BridgeService, bridge.transport()).stream(register())[Symbol.asyncIterator]();
  await bridge.run(stream.next());
  await assert.rejects(bridge.close(), { kind: "leak", message: /agent ghost is still connected/ });
});

test("a timer that was not taken back is found, and can be allowed", async () => {
  const bridge = testBridge();
  bridge.bridge.runtime.setTimer(() => {}, 1000);
  await assert.rejects(bridge.close(), /timers that nobody took back, of bridge: 1/);
  await using lenient = testBridge();
  lenient.bridge.runtime.setTimer(() => {}, 1000);
  lenient.allowLeak("of bridge: 1");
});

test("an event that nobody asked a probe for is found when the bridge is told to be that strict", async () => {
  const bridge = testBridge({ undrained: "error" });
  const probe = await bridge.probe("probe", { topics: ["a"] });
  await probe.publish("a", 1);
  await assert.rejects(bridge.close(), /probe probe was not asked for a "a" 1/);
});

test("a world that has failed already does not complain of what is left", async () => {
  const bridge = testBridge();
  bridge.tools.fake("never:called").reply(1, { times: 1 });
  await assert.rejects(bridge.run(new Promise(() => {})));
  await bridge.close();
});

test("a bridge in real time is not strict unless told so", async () => {
  await using bridge = createTestBridge();
  bridge.tools.fake("never:called").reply(1, { times: 1 });
  const strict = createTestBridge({ strict: true });
  strict.tools.fake("never:called").reply(1, { times: 1 });
  await assert.rejects(strict.close(), /was to be used 1 times/);
});

test("closing twice is harmless, and what crashed need not be closed", async () => {
  await using bridge = testBridge();
  await bridge.agent({ id: "left-alone" });
  await bridge.crash();
  assert.throws(() => bridge.bridge, /start\(\) it first/);
  await bridge.close();
});
