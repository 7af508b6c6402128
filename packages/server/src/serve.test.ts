import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { systemRuntime } from "@loom-bridge/protocol";
import { type ClientEventSchema, type Delivery, ErrorInfoSchema, Feature } from "@loom-bridge/protocol/messages";
import { createBridge } from "./bridge.ts";
import { openRemoteBridge, type RemoteBridge } from "./cli/remote/remote-bridge.ts";
import { parseTarget } from "./cli/remote/target.ts";
import { serve } from "./serve.ts";

type Said = MessageInitShape<typeof ClientEventSchema>;

function connect(address: string): RemoteBridge {
  return openRemoteBridge({ target: parseTarget(address, false), credentials: {}, token: undefined });
}

/** An agent that says Goodbye only when told to. */
interface TestAgent {
  /** What the bridge says after the Ack. */
  readonly next: () => Promise<Delivery | undefined>;
  readonly leave: () => void;
}

async function join(remote: RemoteBridge, agentId: string, features: Feature[] = []): Promise<TestAgent> {
  const { promise: leaving, resolve: leave } = Promise.withResolvers<void>();
  async function* says(): AsyncGenerator<Said> {
    yield { event: { case: "register", value: { agentId, features } } };
    await leaving;
    yield { event: { case: "goodbye", value: {} } };
  }
  const hears = remote.bridge.stream(says())[Symbol.asyncIterator]();
  await hears.next();
  return { leave, next: async () => (await hears.next()).value as Delivery | undefined };
}

function isShutdown(error: unknown): true {
  assert.ok(error instanceof ConnectError);
  assert.equal(error.code, Code.Unavailable);
  const [info] = error.findDetails(ErrorInfoSchema);
  assert.deepEqual([info?.retryable, info?.details["retry_after_ms"]], [true, "1000"]);
  return true;
}

test("every stream of a bridge that stops ends as unavailable, with a time to come back after", async () => {
  const server = await serve(createBridge(), { address: "127.0.0.1:0" });
  const remotes = Array.from({ length: 4 }, () => connect(server.address));
  const agents = await Promise.all(
    Array.from({ length: 100 }, (_, i) => join(remotes[i % 4] as RemoteBridge, `a${i}`)),
  );
  const subscriber = (remotes[0] as RemoteBridge).bridge.subscribe({ filters: ["a"] })[Symbol.asyncIterator]();
  await subscriber.next();
  const ends = [...agents.map(({ next }) => next()), subscriber.next()].map((end) => assert.rejects(end, isShutdown));
  await server.close({ graceMs: 5000 });
  await Promise.all(ends);
  for (const remote of remotes) remote.close();
});

test("an agent that is told of the drain and says Goodbye is not cut, and nobody waits longer than for it", async () => {
  const server = await serve(createBridge(), { address: "127.0.0.1:0" });
  const remote = connect(server.address);
  const agent = await join(remote, "polite", [Feature.NOTICES]);
  // Without the Goodbye, the drain would take as long as a timer can.
  const closed = server.close({ graceMs: 2 ** 31 - 1 });
  const told = await agent.next();
  assert.equal(told?.delivery.case, "drain");
  await assert.rejects(join(remote, "late"), isShutdown);
  agent.leave();
  assert.equal(await agent.next(), undefined);
  remote.close();
  await closed;
});

test("an agent that is told of the drain and stays is cut after half of the grace time", async () => {
  let fireTimer = (): void => assert.fail("no timer was set");
  const runtime = {
    ...systemRuntime,
    setTimer(callback: () => void, delayMs: number) {
      if (delayMs !== 123_456) return systemRuntime.setTimer(callback, delayMs);
      fireTimer = callback;
      return { cancel() {} };
    },
  };
  const server = await serve(createBridge({ runtime }), { address: "127.0.0.1:0" });
  const remote = connect(server.address);
  const agent = await join(remote, "stubborn", [Feature.NOTICES]);
  const closed = server.close({ graceMs: 2 * 123_456 });
  const told = await agent.next();
  assert.equal(told?.delivery.case === "drain" && told.delivery.value.graceMs, 123_456);
  fireTimer();
  await assert.rejects(agent.next(), isShutdown);
  remote.close();
  await closed;
});

test("connections get GOAWAY while agents have time to leave, and calls are still answered", async () => {
  const server = await serve(createBridge(), { address: "127.0.0.1:0" });
  const remote = connect(server.address);
  const agent = await join(remote, "polite", [Feature.NOTICES]);
  const idle = connectHttp2(server.url);
  const goaway = once(idle, "goaway");
  await once(idle, "remoteSettings");
  const closed = server.close({ graceMs: 2 ** 31 - 1 });
  assert.equal((await agent.next())?.delivery.case, "drain");
  const [code] = await goaway;
  assert.equal(code, 0);
  assert.equal((await remote.bridge.getInfo({})).agents, 1);
  agent.leave();
  assert.equal(await agent.next(), undefined);
  remote.close();
  await closed;
});

test("a bridge can start again on the port that one has just left", async () => {
  const first = await serve(createBridge(), { address: "127.0.0.1:0" });
  const before = connect(first.address);
  const agent = await join(before, "survivor");
  const ended = assert.rejects(agent.next(), isShutdown);
  await first.close({ graceMs: 1000 });
  await ended;
  const second = await serve(createBridge(), { address: first.address });
  const after = connect(first.address);
  const again = await join(after, "survivor");
  again.leave();
  assert.equal(await again.next(), undefined);
  before.close();
  after.close();
  await second.close({ graceMs: 1000 });
});
