import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Agent, defineTool, ToolError } from "@loom-bridge/client";
import { z } from "zod";
import { startVictim } from "./victim.ts";

// Tools whose functions break every rule, in honest agents of an attacked bridge.
const victim = await startVictim();
const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
process.on("unhandledRejection", note);
after(() => process.off("unhandledRejection", note));

let rejectLate: (reason: unknown) => void = () => {};
const circular: Record<string, unknown> = {};
circular["self"] = circular;

const functions: Readonly<Record<string, readonly [run: () => unknown, code: string]>> = {
  "throws a text": [() => throws("no Error"), "EXECUTION_ERROR"],
  "throws nothing": [() => throws(undefined), "EXECUTION_ERROR"],
  "throws an object without a prototype": [() => throws(Object.create(null)), "EXECUTION_ERROR"],
  "throws what throws when it is read": [
    () =>
      throws({
        get message() {
          return throws("a trap");
        },
        toString: () => throws("another"),
      }),
    "EXECUTION_ERROR",
  ],
  "throws more than a frame can hold": [() => throws(new Error("x".repeat(5_000_000))), "EXECUTION_ERROR"],
  "rejects with a number": [async () => throws(42), "EXECUTION_ERROR"],
  "returns itself": [() => circular, "INVALID_RESULT"],
  "returns what no JSON can say": [() => 1n, "INVALID_RESULT"],
  "returns what throws when it is written": [() => ({ toJSON: () => throws("no JSON") }), "INVALID_RESULT"],
  "rejects when its time is over": [() => new Promise((_, reject) => (rejectLate = reject)), "TIMEOUT"],
  "never settles": [() => new Promise(() => {}), "TIMEOUT"],
};

function throws(value: unknown): never {
  throw value;
}

test("row 76: a function that throws anything, rejects late, or never settles is a failure to its caller and harms nobody", async () => {
  await victim.withstand(async () => {
    const tools = Object.entries(functions).map(([description, [run]], index) =>
      defineTool({ name: `t${index}`, description, input: z.object({}), run }),
    );
    const honest = defineTool({ name: "honest", description: "", input: z.object({}), run: () => "yes" });
    await using provider = new Agent({ id: "row-76", client: { address: victim.url }, tools: [...tools, honest] });
    await provider.start();
    await using caller = new Agent({ id: "row-76-caller", client: { address: victim.url } });
    await caller.start();
    for (const [index, [what, [, code]]] of Object.entries(functions).entries()) {
      const failure = await caller.callTool(`t${index}`, {}, { timeoutMs: code === "TIMEOUT" ? 200 : 10_000 }).then(
        () => undefined,
        (error: unknown) => error,
      );
      assert.ok(failure instanceof ToolError, what);
      assert.equal(failure.toolCode, code, what);
      assert.equal(await caller.callTool("honest", {}), "yes");
    }
    rejectLate(new Error("late"));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await caller.callTool("honest", {}), "yes");
  });
  assert.deepEqual(unhandled, []);
});
