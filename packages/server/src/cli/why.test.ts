import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type ClientEventSchema,
  Delivered,
  Feature,
  SettlementSchema,
  SubscriptionSchema,
  Verdict,
} from "@loom-bridge/protocol/messages";
import { createBridge } from "../bridge.ts";
import { type BridgeServer, serve } from "../serve.ts";
import { openRemoteBridge, type RemoteBridge } from "./remote/remote-bridge.ts";
import { parseTarget } from "./remote/target.ts";
import { runToEnd, start } from "./terminal.test-helper.ts";

type Said = MessageInitShape<typeof ClientEventSchema>;

let server: BridgeServer;
let remote: RemoteBridge;

before(async () => {
  const run = async (): Promise<{ ok: boolean }> => ({ ok: true });
  const descriptor = { name: "test:ok", description: "", parametersSchema: "", metadata: {} };
  server = await serve(createBridge({ tools: [{ descriptor, run }] }), { address: "127.0.0.1:0" });
  remote = openRemoteBridge({ target: parseTarget(server.address, false), credentials: {}, token: undefined });
});

after(async () => {
  remote.close();
  await server.close({ graceMs: 200 });
});

function command(...args: string[]): ReturnType<typeof runToEnd> {
  return runToEnd([...args, "--address", server.address]);
}

/** What happened, as "what agent". */
async function story(id: string): Promise<string[]> {
  const { json } = await command("why", id, "--json");
  return json().flatMap(({ what, agentId }) => (what === undefined ? [] : [`${what} ${agentId}`.trim()]));
}

test("why tells the story of an event: to whom it was sent, and that it was refused and given up", async () => {
  const { promise: mayLeave, resolve: leave } = Promise.withResolvers<void>();
  const subscription = create(SubscriptionSchema, {
    id: 1,
    filters: ["jobs.*"],
    window: 8,
    delivered: Delivered.AT_LEAST_ONCE,
  });
  const settlement = create(SettlementSchema, { sequence: 1n, verdict: Verdict.TERMINATE, reason: "no such job" });
  const features = [Feature.BATCHES];
  async function* says(): AsyncGenerator<Said> {
    yield { event: { case: "register", value: { agentId: "worker", features, subscriptions: [subscription] } } };
    await mayLeave;
    yield { event: { case: "eventSettle", value: { subscription: 1, settlements: [settlement] } } };
    yield { event: { case: "goodbye", value: {} } };
  }
  const hears = remote.bridge.stream(says())[Symbol.asyncIterator]();
  await hears.next();
  await remote.bridge.publish({ topic: "jobs.one", event: { id: "job-1", type: "job" } });
  await hears.next();
  leave();
  while ((await hears.next()).done !== true);

  assert.deepEqual(await story("job-1"), ["published", "sent worker", "dead-lettered worker", "published"]);
  const { code, output } = await command("why", "job-1");
  assert.equal(code, 0);
  assert.match(output, /\+\d+ ms {2}published {6}jobs\.one: matched 1, offset \d+\n/);
  assert.match(output, /dead-lettered {2}jobs\.one worker: no such job\n/);
  assert.match(output, /published {6}\$dlq\.jobs\.one/);
});

test("why tells of a publish that was refused", async () => {
  await assert.rejects(remote.bridge.publish({ topic: "$sys.mine", event: { id: "forged" } }), /is the bridge's/);
  const { output } = await command("why", "forged");
  assert.match(output, /refused {2}\$sys\.mine: \[permission_denied\]/);
});

test("why tells the story of a call", async () => {
  await remote.actions.forwardToolCall({ id: "call-1", name: "test:ok" });
  await remote.actions.forwardToolCall({ id: "call-1", name: "test:ok" });
  assert.deepEqual(await story("call-1"), ["called bridge", "answered", "duplicate", "answered"]);
  await remote.actions.forwardToolCall({ id: "call-2", name: "test:none" });
  assert.match((await command("why", "call-2")).output, /answered {2}test:none: NOT_FOUND: /);
});

test("why fails when nothing is known, and says how far the journal goes back", async () => {
  const { code, output, errors } = await command("why", "never");
  assert.deepEqual([code, output], [1, ""]);
  assert.match(
    errors,
    /^Nothing is known of never\. The journal goes back \d+ s; what happened before is forgotten\.\n$/,
  );
  const [end] = (await command("why", "never", "--json")).json();
  assert.deepEqual({ ...end, sinceMs: 0 }, { event: "end", id: "never", entries: 0, sinceMs: 0 });
});

test("why says when the bridge keeps no journal", async () => {
  const silent = await serve(createBridge({ journal: false }), { address: "127.0.0.1:0" });
  const { code, errors } = await runToEnd(["why", "any", "--address", silent.address]);
  await silent.close({ graceMs: 100 });
  assert.equal(code, 1);
  assert.match(errors, /this bridge keeps no journal/);
});

test("agents --watch shows who is here, who comes and who goes, until Ctrl-C", async () => {
  const watch = start(["agents", "--watch", "--json", "--address", server.address]);
  await watch.wrote('"complete"');
  async function* says(): AsyncGenerator<Said> {
    yield { event: { case: "register", value: { agentId: "visitor", tools: [{ name: "visitor:greet" }] } } };
    yield { event: { case: "goodbye", value: {} } };
  }
  for await (const _ of remote.bridge.stream(says()));
  await watch.wrote('"offline"');
  watch.interrupt("SIGINT");
  assert.equal(await watch.ended, 0);
  const changes = watch.json().map(({ event, agentId, tools }) => [event, agentId, tools]);
  assert.deepEqual(changes, [
    ["complete", undefined, undefined],
    ["online", "visitor", ["visitor:greet"]],
    ["offline", "visitor", ["visitor:greet"]],
  ]);
});
