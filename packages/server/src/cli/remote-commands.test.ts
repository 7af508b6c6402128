import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type ClientEventSchema, Overflow, Qos, SubscriptionSchema } from "@loom-bridge/protocol/messages";
import { createBridge } from "../bridge.ts";
import { ToolFailure } from "../domain/tools/tool-failure.ts";
import { type BridgeServer, serve } from "../serve.ts";
import { openRemoteBridge, type RemoteBridge } from "./remote/remote-bridge.ts";
import { parseTarget } from "./remote/target.ts";
import { runToEnd, start, type TestTerminalOptions } from "./terminal.test-helper.ts";

let server: BridgeServer;
let authorizations: (string | null)[] = [];

before(async () => {
  const describe = (name: string, schema: object) => ({
    descriptor: { name, description: `${name}\u001b[31m`, parametersSchema: JSON.stringify(schema), metadata: {} },
  });
  const bridge = createBridge({
    tools: [
      { ...describe("test:echo", { type: "object" }), run: async (args) => args as Record<string, string> },
      {
        ...describe("test:refuse", { type: "object" }),
        run: () => Promise.reject(new ToolFailure("PERMISSION_DENIED", "not you")),
      },
    ],
  });
  const watched = {
    ...bridge,
    interceptors: [
      ...bridge.interceptors,
      ((next) => (request) => {
        authorizations.push(request.header.get("authorization"));
        return next(request);
      }) satisfies (typeof bridge.interceptors)[number],
    ],
  };
  server = await serve(watched, { address: "127.0.0.1:0" });
});

after(() => server.close({ graceMs: 100 }));

function command(args: readonly string[], options?: TestTerminalOptions): ReturnType<typeof runToEnd> {
  return runToEnd([...args, "--address", server.address], options);
}

test("publish says what became of the event, and says clearly when nobody subscribes", async () => {
  const human = await command(["publish", "nobody.here", "x"]);
  assert.equal(human.code, 0);
  assert.match(human.output, /^published [0-9a-f-]{36} to nobody\.here: matched 0, queued 0, dropped 0\n/);
  assert.match(human.output, /Nobody subscribes to this topic now\.\n$/);
  const [answer] = (await command(["publish", "nobody.here", "--json"])).json();
  assert.deepEqual(
    { ...answer, eventId: "", offset: 0 },
    { eventId: "", matched: 0, queued: 0, dropped: 0, drops: {}, offset: 0 },
  );
  assert.ok(Number(answer?.["offset"]) > 0);
});

test("subscribe shows what publish sent, whole, and ends after the count", async () => {
  const subscriber = start(["subscribe", "news.*", "--json", "--count", "2", "--address", server.address]);
  await subscriber.wrote('"subscribed"');
  const sent = [
    "publish",
    "news.today",
    "-",
    "--type",
    "headline",
    "--source",
    "desk",
    "--meta",
    "a=1",
    "--meta",
    "b=x=y",
  ];
  const published = await command([...sent, "--json"], { input: "grüße" });
  assert.equal(published.json()[0]?.["matched"], 1);
  await command(["publish", "news.today"]);
  assert.equal(await subscriber.ended, 0);
  const [subscribed, first, second] = subscriber.json();
  assert.deepEqual(subscribed, { event: "subscribed", filters: ["news.*"] });
  assert.equal(first?.["id"], published.json()[0]?.["eventId"]);
  assert.equal(first?.["payload"], "grüße");
  assert.equal(first?.["type"], "headline");
  assert.equal(first?.["source"], "desk");
  assert.deepEqual(first?.["metadata"], { a: "1", b: "x=y" });
  assert.deepEqual([first?.["sequence"], second?.["sequence"]], [1, 2]);
});

test("subscribe selects by type, and Ctrl-C ends it with 0", async () => {
  const subscriber = start([
    "subscribe",
    "--type",
    "none",
    "--type",
    "wanted",
    "typed.**",
    "--address",
    server.address,
  ]);
  await subscriber.wrote("subscribed to");
  await command(["publish", "typed.a", "no", "--type", "other"]);
  await command(["publish", "typed.b", "yes\u001b[2J", "--type", "wanted"]);
  await subscriber.wrote("typed.b");
  subscriber.interrupt("SIGINT");
  assert.equal(await subscriber.ended, 0);
  // What others send cannot steer the terminal.
  assert.match(subscriber.output(), /^\d\d:\d\d:\d\d\.\d{3} typed\.b wanted yes\\u001b\[2J\n$/);
});

test("a slow realtime subscriber is shown its gaps", async () => {
  const realtime = ["subscribe", "flood", "--qos", "realtime", "--address", server.address];
  const subscribers = [start([...realtime, "--json"]), start(realtime)];
  for (const subscriber of subscribers) await subscriber.wrote("subscribed");
  const remote = openRemoteBridge({ target: parseTarget(server.address, false), credentials: {}, token: undefined });
  const items = Array.from({ length: 2000 }, () => ({ topic: "flood", event: new Uint8Array(), id: "", type: "" }));
  async function* flood(): AsyncGenerator<MessageInitShape<typeof ClientEventSchema>> {
    yield { event: { case: "register", value: { agentId: "flood" } } };
    yield { event: { case: "publishBatch", value: { firstRef: 1n, items } } };
    yield { event: { case: "goodbye", value: {} } };
  }
  for await (const _delivery of remote.bridge.stream(flood()));
  remote.close();
  const [programs, people] = subscribers;
  await programs?.wrote('"sequence":2000');
  await people?.wrote("gap: ");
  for (const subscriber of subscribers) {
    subscriber.interrupt("SIGINT");
    assert.equal(await subscriber.ended, 0);
  }
  const shown = programs?.json().slice(1) ?? [];
  const gap = shown.findIndex(({ event }) => event === "gap");
  const { firstSequence, lastSequence, reason } = shown[gap] ?? {};
  assert.equal(reason, "GAP_REASON_QUEUE_FULL");
  assert.equal(firstSequence, Number(shown[gap - 1]?.["sequence"] ?? 0) + 1);
  assert.equal(lastSequence, Number(shown[gap + 1]?.["sequence"]) - 1);
  assert.match(people?.output() ?? "", /^gap: \d+ events lost \(GAP_REASON_QUEUE_FULL\), \d+ to \d+$/m);
});

test("call prints the tool's output, and exits 1 with status, code and message when the tool fails", async () => {
  const done = await command(["call", "test:echo", '{"a":[1]}']);
  assert.deepEqual([done.code, done.output], [0, '{"a":[1]}\n']);
  const piped = await command(["call", "test:echo", "-", "--json"], { input: '{"b":2}' });
  assert.deepEqual({ ...piped.json()[0], id: "" }, { id: "", status: "TOOL_OK", output: { b: 2 } });
  const refused = await command(["call", "test:refuse"]);
  assert.deepEqual([refused.code, refused.output], [1, ""]);
  assert.match(refused.errors, /^TOOL_ERROR PERMISSION_DENIED: .*not you\n$/);
  const missing = await command(["call", "test:missing", "--json"]);
  assert.equal(missing.code, 1);
  assert.equal(missing.json()[0]?.["status"], "TOOL_NOT_FOUND");
  const invalid = await command(["call", "test:echo", "{"]);
  assert.equal(invalid.code, 1);
  assert.match(invalid.errors, /^TOOL_INVALID_ARGUMENTS INVALID_ARGUMENTS: /);
});

test("tools lists name, provider and description, with schemas for programs", async () => {
  const { output } = await command(["tools"]);
  assert.match(output, /^TOOL +PROVIDED BY +DESCRIPTION\ntest:echo +bridge +test:echo\\u001b\[31m\ntest:refuse /);
  const { json } = await command(["tools", "--prefix", "test:e", "--json"]);
  assert.deepEqual(
    json().map(({ name, parametersSchema }) => [name, parametersSchema]),
    [["test:echo", { type: "object" }]],
  );
  assert.match((await command(["tools", "--prefix", "none"])).output, /^No tools/);
});

test("agents and stats show what is there", async () => {
  assert.equal((await command(["agents"])).output, "No agent is connected.\n");
  await command(["publish", "counted.once"]);
  const { output } = await command(["stats", "--filter", "counted.*"]);
  assert.match(
    output,
    /^TOPIC +PUBLISHED +DELIVERED +DROPPED +SUBSCRIPTIONS +BACKLOG\ncounted\.once +1 +0 +0 +0 +0\nall/,
  );
  const rows = (await command(["stats", "--json", "--filter", "counted.*"])).json();
  assert.equal(rows[0]?.["topic"], "counted.once");
  assert.ok(rows[1] !== undefined && "total" in rows[1]);
});

/** An agent that takes one event of its subscription and then nothing until it leaves. */
async function joinSlowly(
  init: MessageInitShape<typeof SubscriptionSchema>,
): Promise<{ remote: RemoteBridge; took(): Promise<unknown>; leave(): Promise<void> }> {
  const { promise: mayLeave, resolve: leave } = Promise.withResolvers<void>();
  const subscription = create(SubscriptionSchema, { id: 7, window: 1, ...init });
  async function* says(): AsyncGenerator<MessageInitShape<typeof ClientEventSchema>> {
    yield { event: { case: "register", value: { agentId: "reader", subscriptions: [subscription] } } };
    await mayLeave;
    yield { event: { case: "goodbye", value: {} } };
  }
  const remote = openRemoteBridge({ target: parseTarget(server.address, false), credentials: {}, token: undefined });
  const hears = remote.bridge.stream(says())[Symbol.asyncIterator]();
  await hears.next();
  return {
    remote,
    took: () => hears.next(),
    async leave() {
      leave();
      while ((await hears.next()).done !== true);
      remote.close();
    },
  };
}

test("stats shows each subscription, and why events were dropped", async () => {
  const { remote, took, leave } = await joinSlowly({ filters: ["full.*"], overflow: Overflow.LATEST_PER_KEY });
  // The first one leaves, and fills the window; of the others, each takes the place of the one before.
  await remote.bridge.publish({ topic: "full.a", event: { id: "1" } });
  await took();
  for (let id = 2; id <= 4; id += 1) await remote.bridge.publish({ topic: "full.a", event: { id: String(id) } });
  const { output } = await command(["stats", "--filter", "full.*", "--subscriptions"]);
  assert.match(output, /\nfull\.a +4 +4 +2 \(replaced 2\) +1 +1\n/);
  assert.match(
    output,
    /\nSUBSCRIBER +FILTERS +WHEN FULL .*\nreader +full\.\* +latest-per-key +4 +2 \(replaced 2\) +1 +1 +0\n/,
  );
  const [, subscription] = (await command(["stats", "--filter", "full.*", "--subscriptions", "--json"])).json();
  assert.deepEqual([subscription?.["subscriber"], subscription?.["drops"]], ["reader", { replaced: 2 }]);
  const story = await command(["why", "4"]);
  assert.match(story.output, /waiting {4}full\.a reader: number 1 of 1 in its queue\n$/);
  await leave();
});

test("publish says why an event was dropped", async () => {
  const slow = { filters: ["rush.*"], qos: Qos.REALTIME, overflow: Overflow.DROP_NEWEST };
  const { remote, took, leave } = await joinSlowly(slow);
  await remote.bridge.publish({ topic: "rush.a", event: {} });
  await took();
  await Promise.all(Array.from({ length: 512 }, () => remote.bridge.publish({ topic: "rush.a", event: {} })));
  assert.match((await command(["publish", "rush.a"])).output, /matched 1, queued 0, dropped 1 \(queue-full 1\)\n$/);
  await leave();
});

test("the token travels as a bearer token, and without one nothing does", async () => {
  authorizations = [];
  await command(["stats", "--token", "secret"], { env: { LOOM_BRIDGE_TOKEN: "other" } });
  await command(["stats"], { env: { LOOM_BRIDGE_TOKEN: "other" } });
  await command(["stats"], { env: { LOOM_BRIDGE_TOKEN: "" } });
  assert.deepEqual(authorizations, ["Bearer secret", "Bearer other", null]);
});

test("the address is the flag's, else that of the environment", async () => {
  const env = { LOOM_BRIDGE_ADDR: server.url };
  assert.equal((await runToEnd(["stats"], { env })).code, 0);
  assert.equal((await runToEnd(["stats", "--address", server.address], { env: { LOOM_BRIDGE_ADDR: "x:1" } })).code, 0);
});
