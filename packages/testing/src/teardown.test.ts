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

test("abort listeners that an agent's handlers leave on its signal are counted, those of running handlers are not", async () => {
  const bridge = testBridge();
  const work = Promise.withResolvers<void>();
  await bridge.agent({
    id: "careless",
    topics: ["a"],
    onEvent: (context) => context.signal.addEventListener("abort", () => {}),
  });
  await bridge.agent({
    id: "careful",
    topics: ["a"],
    async onEvent({ signal }) {
      const stop = (): void => work.resolve();
      signal.addEventListener("abort", stop);
      await work.promise;
      signal.removeEventListener("abort", stop);
    },
  });
  const author = await bridge.probe("author");
  for (const value of [1, 2, 3]) await author.publish("a", value);
  await bridge.settle();
  await assert.rejects(bridge.close(), ({ message }) => {
    assert.match(message, /abort listeners on the context's signal of careless that nobody took back: 3;/);
    assert.doesNotMatch(message, /signal of careful/);
    return true;
  });
});

test("no call of ours leaves a listener on a signal that outlives it, and one that an author leaves is found", async () => {
  const bridge = testBridge();
  bridge.tools.fake("answers").reply(1);
  bridge.tools.fake("hangs").hang();
  const shutdown = bridge.watchSignal(new AbortController().signal, "shutdown");
  const options = { signal: shutdown, timeoutMs: 1000 };
  await bridge.agent({ id: "echo", topics: ["ask"], onEvent: (context, { payload }) => context.reply(payload) });
  const caller = await bridge.agent({ id: "caller" });
  const client = bridge.client();
  await bridge.run(caller.callTool("answers", {}, options));
  await assert.rejects(bridge.run(caller.callTool("hangs", {}, options)));
  await bridge.run(caller.request("ask", "?", options));
  await assert.rejects(bridge.run(caller.request("nobody", "?", options)));
  await bridge.run(client.publish({ topic: "a", event: { type: "t" } }, options));
  await bridge.run(client.listAgents({}, options));
  await bridge.run(client.waitForAgents(["caller"], options));
  await assert.rejects(bridge.run(client.waitForAgents(["nobody"], options)));
  const stream = client.watchAgents({}, options);
  await bridge.run(stream.next());
  await stream.return?.();
  // In hand when the bridge is closed.
  const inHand = caller.callTool("hangs", {}, { signal: shutdown }).catch(() => {});
  shutdown.addEventListener("abort", () => {});
  await assert.rejects(bridge.close(), /abort listeners on shutdown that nobody took back: 1;/);
  await inHand;
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
