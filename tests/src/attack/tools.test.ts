import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import {
  ActionService,
  type Chain,
  type ToolDescriptor,
  type ToolRequest,
  ToolStatus,
} from "@loom-bridge/protocol/messages";
import { type DuplexCall, openSession } from "../duplex-call.ts";
import { startVictim } from "./victim.ts";

// Providers that answer badly, and callers that ask badly.
const victim = await startVictim();
const actions = createClient(ActionService, victim.transport);

/** An agent that says every message of a provider by hand. */
class Provider {
  readonly #call: DuplexCall;

  static async open(agentId: string, ...tools: { name: string; [field: string]: unknown }[]): Promise<Provider> {
    return new Provider(await openSession(victim.transport, { agentId, tools }));
  }

  private constructor(call: DuplexCall) {
    this.#call = call;
  }

  /** The next call, or what tells it to stop. */
  async next(kind: "toolRequest" | "toolCancel" = "toolRequest"): Promise<ToolRequest> {
    for (;;) {
      const delivery = await this.#call.hear();
      if (delivery?.delivery.case === kind) return delivery.delivery.value as ToolRequest;
      assert.notEqual(delivery, undefined, "the stream ended");
    }
  }

  answer(ref: number, output: string, status: ToolStatus = ToolStatus.TOOL_OK): void {
    this.#call.say({ case: "toolResponse", value: { ref, result: { status, output } } });
  }

  /** Leaves; what it said before is done first. */
  async leave(): Promise<void> {
    this.#call.say({ case: "goodbye", value: {} });
    while ((await this.#call.hear()) !== undefined);
  }

  cut(): void {
    this.#call.cut();
  }
}

test("rows 65 and 68: a result that is late, second, or of an unknown call changes nothing", async () => {
  await victim.withstand(async () => {
    const provider = await Provider.open("row-65", { name: "t" });
    const late = actions.forwardToolCall({ name: "t", timeoutMs: 50 });
    const { ref } = await provider.next();
    assert.equal((await late).status, ToolStatus.TOOL_TIMEOUT);
    provider.answer(ref, '"late"');
    const call = actions.forwardToolCall({ name: "t" });
    const second = await provider.next();
    provider.answer(999, '"nobody asked"');
    provider.answer(ref, '"of before"');
    provider.answer(second.ref, '"first"');
    provider.answer(second.ref, '"second"');
    assert.equal((await call).output, '"first"');
    await provider.leave();
  });
});

test("row 68: an agent cannot answer a call that another was sent", async () => {
  await victim.withstand(async () => {
    const provider = await Provider.open("row-68", { name: "t" });
    const liar = await Provider.open("row-68-liar", { name: "other" });
    const call = actions.forwardToolCall({ name: "t" });
    const { ref } = await provider.next();
    for (let guess = 0; guess < 10; guess += 1) liar.answer(guess, '"lie"');
    await liar.leave();
    provider.answer(ref, '"truth"');
    assert.equal((await call).output, '"truth"');
    await provider.leave();
  });
});

test("row 66: a provider that goes ends its calls at once, and its tool with them", async () => {
  await victim.withstand(async () => {
    const provider = await Provider.open("row-66", { name: "t" });
    const call = actions.forwardToolCall({ name: "t" });
    await provider.next();
    provider.cut();
    assert.equal((await call).error?.code, "PROVIDER_LOST");
    while ((await actions.listTools({})).tools.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal((await actions.forwardToolCall({ name: "t" })).status, ToolStatus.TOOL_NOT_FOUND);
  });
});

test("row 67: a caller that gives up or is cut off frees its place, and the provider is told", async () => {
  await victim.withstand(async () => {
    const provider = await Provider.open("row-67", { name: "t" });
    const abort = new AbortController();
    const call = actions.forwardToolCall({ name: "t" }, { signal: abort.signal });
    const { ref } = await provider.next();
    abort.abort();
    await assert.rejects(call);
    assert.equal((await provider.next("toolCancel")).ref, ref);
    await provider.leave();
  });
});

const deep = (levels: number): string => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
const badArguments: Record<string, string> = {
  "no JSON": "{",
  "no object": "[]",
  "against the schema": '{"n":"x"}',
  "a key that names a prototype": '{"n":1,"__proto__":{"admin":true}}',
  "a key that leads to a prototype": '{"n":1,"constructor":{"prototype":{"admin":true}}}',
  "a key twice": '{"n":1,"n":2}',
  "257 KiB": `{"n":1,"s":"${"x".repeat(257 * 1024)}"}`,
  "65 levels": deep(65),
  "10 001 values": `{"n":1,"s":[${"0,".repeat(10_000)}0]}`,
  "100 000 levels": deep(100_000),
};
for (const [name, args] of Object.entries(badArguments)) {
  test(`row 69: arguments that are or have ${name} never reach the provider`, async () => {
    await victim.withstand(async () => {
      const schema = JSON.stringify({ properties: { n: { type: "integer" } } });
      const provider = await Provider.open("row-69", { name: "t", parametersSchema: schema });
      const refused = await actions.forwardToolCall({ name: "t", arguments: args });
      assert.equal(refused.status, ToolStatus.TOOL_INVALID_ARGUMENTS);
      const good = actions.forwardToolCall({ name: "t", arguments: '{"n":1}' });
      const first = await provider.next();
      assert.equal(first.call?.arguments, '{"n":1}');
      provider.answer(first.ref, "1");
      assert.equal((await good).output, "1");
      await provider.leave();
    });
  });
}

const badResults: Record<string, [output: string, status?: ToolStatus]> = {
  "no JSON": ["{"],
  "more than a megabyte": [`"${"x".repeat(1_048_577)}"`],
  "a key that names a prototype": ['{"__proto__":{}}'],
  "65 levels": [deep(65)],
  "a status that nobody knows": ["1", 77 as ToolStatus],
};
for (const [name, [output, status]] of Object.entries(badResults)) {
  test(`row 70: a result that is or has ${name} is an error to its caller`, async () => {
    await victim.withstand(async () => {
      const provider = await Provider.open("row-70", { name: "t" });
      const call = actions.forwardToolCall({ name: "t" });
      provider.answer((await provider.next()).ref, output, status);
      assert.equal((await call).status, ToolStatus.TOOL_ERROR);
      await provider.leave();
    });
  });
}

const tool = async (name: string): Promise<ToolDescriptor | undefined> => {
  const { tools } = await actions.listTools({});
  return tools.find((each) => each.name === name);
};

test("row 79: an idempotency key of another request is refused, and the tool does not run for it", async () => {
  await victim.withstand(async () => {
    const provider = await Provider.open("row-79", { name: "t" }, { name: "u" });
    const call = (name: string, text: string) =>
      actions.forwardToolCall({ name, arguments: text, idempotencyKey: "row-79" });
    const first = call("t", '{"n":1}');
    const { ref } = await provider.next();
    const refused = [call("t", '{"n":2}'), call("u", '{"n":1}'), call("t", '{ "n": 1 }')];
    for (const each of refused) await assert.rejects(each, { code: Code.FailedPrecondition });
    provider.answer(ref, "1");
    assert.equal((await first).output, "1");
    await assert.rejects(call("t", '{"n":2}'), { code: Code.FailedPrecondition });
    assert.equal((await call("t", '{"n":1}')).output, "1");
    await provider.leave();
  });
});

test("rows 71 and 72: a tool is not shadowed, its change is told, and callers who pinned it are refused", async () => {
  await victim.withstand(async () => {
    const watcher = await openSession(victim.transport, { agentId: "row-72-watcher", topics: ["$sys.tools.changed"] });
    const honest = await Provider.open("row-71", { name: "pay", description: "pays", parametersSchema: "{}" });
    await assert.rejects(Provider.open("row-71-shadow", { name: "pay", parametersSchema: '{"type":"object"}' }));
    const pinned = (await tool("pay"))?.hash ?? "";
    await honest.leave();
    const changed = await Provider.open("row-71", { name: "pay", description: "pays me", parametersSchema: "{}" });
    const told = await watcher.hear();
    assert.equal(told?.delivery.case, "event");
    const event = told.delivery.value as { type: string; payload: Uint8Array };
    assert.equal(event.type, "tool.changed");
    const { tool: name, was, hash } = JSON.parse(Buffer.from(event.payload).toString()) as Record<string, string>;
    assert.deepEqual([name, was, hash], ["pay", pinned, (await tool("pay"))?.hash]);
    await assert.rejects(actions.forwardToolCall({ name: "pay", toolHash: pinned }), /failed_precondition/);
    const again = actions.forwardToolCall({ name: "pay", toolHash: hash ?? "" });
    changed.answer((await changed.next()).ref, "1");
    assert.equal((await again).output, "1");
    await changed.leave();
    watcher.say({ case: "goodbye", value: {} });
    while ((await watcher.hear()) !== undefined);
  });
});

test("row 73: no time is an instant end, and a negative one is refused", async () => {
  await victim.withstand(async () => {
    const provider = await Provider.open("row-73", { name: "t" });
    await assert.rejects(actions.forwardToolCall({ name: "t", timeoutMs: -1 }), /invalid_argument/);
    for (const timeoutMs of [0, 1_000_000, 2 ** 31 - 1]) {
      const call = actions.forwardToolCall({ name: "t", timeoutMs });
      const { ref, call: seen } = await provider.next();
      assert.equal(seen?.timeoutMs, timeoutMs === 0 ? 30_000 : 600_000);
      provider.answer(ref, "1");
      assert.equal((await call).status, ToolStatus.TOOL_OK);
    }
    await provider.leave();
  });
});

test("row 74: the 65th open call of an agent is refused, and there is room again when one ends", async () => {
  await victim.withstand(async () => {
    const provider = await Provider.open("row-74", { name: "t" });
    const calls = Array.from({ length: 64 }, () => actions.forwardToolCall({ name: "t" }));
    const refs: number[] = [];
    while (refs.length < 64) refs.push((await provider.next()).ref);
    await assert.rejects(actions.forwardToolCall({ name: "t" }), /resource_exhausted.*inFlightPerAgent/);
    provider.answer(refs.pop() ?? 0, "1");
    await Promise.race(calls);
    const one = actions.forwardToolCall({ name: "t" });
    refs.push((await provider.next()).ref);
    for (const ref of refs) provider.answer(ref, "1");
    await Promise.all([...calls, one]);
    await provider.leave();
  });
});

test("row 75: a call that leads to itself again and again ends at the chain's limit", async () => {
  await victim.withstand(async () => {
    const provider = await Provider.open("row-75", { name: "t" });
    let chain: Chain | undefined;
    for (let hops = 0; hops < 32; hops += 1) {
      const call = actions.forwardToolCall({ name: "t", chain: chain ?? {} });
      const request = await provider.next();
      chain = request.call?.chain;
      assert.equal(chain?.hops, hops + 1);
      provider.answer(request.ref, "1");
      await call;
    }
    await assert.rejects(actions.forwardToolCall({ name: "t", chain: chain ?? {} }), /failed_precondition.*at most 32/);
    await provider.leave();
  });
});

const schemas: Record<string, [schema: object, args: object]> = {
  "a pattern that tries every way": [{ properties: { a: { pattern: "^(a+)+$" } } }, { a: `${"a".repeat(60)}!` }],
  "alternatives that double with each level": [
    {
      $defs: { a: { anyOf: ["x", "y"].map(() => ({ type: "array", items: { $ref: "#/$defs/a" } })) } },
      properties: { a: { $ref: "#/$defs/a" } },
    },
    { a: Array.from({ length: 40 }).reduce((inner) => [inner], 1) },
  ],
};
for (const [name, [schema, args]] of Object.entries(schemas)) {
  test(`row 69: a schema with ${name} does not hold up others`, async () => {
    await victim.withstand(
      async () => {
        const provider = await Provider.open("slow-schema", { name: "slow", parametersSchema: JSON.stringify(schema) });
        for (let count = 0; count < 20; count += 1) {
          const { status } = await actions.forwardToolCall({ name: "slow", arguments: JSON.stringify(args) });
          assert.equal(status, ToolStatus.TOOL_INVALID_ARGUMENTS);
        }
        await provider.leave();
      },
      { longestDelayMs: 800 },
    );
  });
}
