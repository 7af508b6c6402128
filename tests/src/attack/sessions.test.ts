import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { RegisterSchema } from "@loom-bridge/protocol/messages";
import { openStream } from "../duplex-call.ts";
import { startVictim } from "./victim.ts";

// Streams that begin wrong, and registrations that ask for too much.
const victim = await startVictim({ bridge: { registerTimeoutMs: 300 } });
type Register = MessageInitShape<typeof RegisterSchema>;

/** The code with which a stream ends after these messages. */
async function endOf(...events: Parameters<ReturnType<typeof openStream>["say"]>[0][]): Promise<Code | undefined> {
  await using call = openStream(victim.transport);
  for (const event of events) call.say(event);
  try {
    while ((await call.hear()) !== undefined);
    return undefined;
  } catch (error) {
    return ConnectError.from(error).code;
  }
}

const register = (value: Register) => endOf({ case: "register", value });

test("row 41: a stream whose first message is no Register, that says nothing, or registers twice is ended", async () => {
  await victim.withstand(async () => {
    const first = await endOf({ case: "heartbeat", value: {} });
    assert.ok(first === Code.InvalidArgument || first === Code.FailedPrecondition, String(first));
    assert.equal(await endOf(), Code.DeadlineExceeded);
    const value = { agentId: "row-41" };
    assert.equal(await endOf({ case: "register", value }, { case: "register", value }), Code.FailedPrecondition);
  });
});

const badIds = {
  empty: "",
  "129 bytes": "x".repeat(129),
  "a wildcard": "a*",
  "a space": "a b",
  NUL: "a\0b",
  "a line end": "a\nb",
  "text that runs the other way": "a\u202eb",
  "a path": "../../etc",
  "two bytes a letter": "\u00e9",
  "the name of a prototype": "__proto__",
};
for (const [name, agentId] of Object.entries(badIds)) {
  test(`row 42: the agent id ${name} is refused`, async () => {
    await victim.withstand(async () => assert.equal(await register({ agentId }), Code.InvalidArgument));
  });
}

test("row 42: ids that are names of an object's own are ids like others", async () => {
  await victim.withstand(async () => {
    for (const agentId of ["constructor", "toString", "hasOwnProperty"]) {
      const call = openStream(victim.transport);
      call.say({ case: "register", value: { agentId, topics: ["row.42"] } });
      assert.equal((await call.hear())?.delivery.case, "ack");
      call.say({ case: "goodbye", value: {} });
      assert.equal(await call.hear(), undefined);
    }
  });
});

const tooMuch: Record<string, [register: Register, code: Code]> = {
  "129 topics": [{ topics: Array.from({ length: 129 }, (_, index) => `t.${index}`) }, Code.ResourceExhausted],
  "65 subscriptions": [
    { subscriptions: Array.from({ length: 65 }, (_, index) => ({ id: index + 1, filters: ["a"] })) },
    Code.ResourceExhausted,
  ],
  "129 tools": [{ tools: Array.from({ length: 129 }, (_, index) => ({ name: `t${index}` })) }, Code.ResourceExhausted],
  "a topic of 257 bytes": [{ topics: ["x".repeat(257)] }, Code.InvalidArgument],
  "a topic of 17 segments": [{ topics: [Array.from({ length: 17 }, () => "a").join(".")] }, Code.InvalidArgument],
  "an empty segment": [{ topics: ["a..b"] }, Code.InvalidArgument],
  "65 pairs of metadata": [
    { metadata: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, ""])) },
    Code.ResourceExhausted,
  ],
  "a value of 5 kB": [{ metadata: { key: "x".repeat(5000) } }, Code.InvalidArgument],
  "a tool with a bad name": [{ tools: [{ name: "a b" }] }, Code.InvalidArgument],
  "600 kB of schemas": [
    { tools: Array.from({ length: 10 }, (_, i) => ({ name: `t${i}`, parametersSchema: " ".repeat(60_000) })) },
    Code.ResourceExhausted,
  ],
};
for (const [name, [value, code]] of Object.entries(tooMuch)) {
  test(`row 49: a registration with ${name} is refused whole`, async () => {
    await victim.withstand(async () => {
      assert.equal(await register({ agentId: "row-49", ...value }), code);
    });
  });
}
