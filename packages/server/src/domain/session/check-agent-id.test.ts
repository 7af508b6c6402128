import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAgentId } from "./check-agent-id.ts";

test("an id is made of letters, digits and _ . : @ -, and short enough for a topic", () => {
  for (const id of ["a", "team.bot-1@host:7", "x".repeat(128), "constructor", `a${".".repeat(60)}`]) checkAgentId(id);
});

test("every other id is refused with the rule that it breaks", () => {
  const wrong: Record<string, RegExp> = {
    "": /is empty/,
    [`${"x".repeat(129)}`]: /has 129 bytes; at most 128/,
    "a*": /only A-Z/,
    "a\u0000b": /only A-Z/,
    "a\u202Eb": /only A-Z/,
    ä: /only A-Z/,
    "a b": /only A-Z/,
    ["__proto__"]: /harms programs/,
    [".".repeat(128)]: /takes 384 bytes in a topic/,
  };
  for (const [id, message] of Object.entries(wrong)) {
    const facts = id.startsWith("x") ? { limit: "idBytes", value: "128" } : {};
    const details = { field: "agent_id", ...facts };
    assert.throws(() => checkAgentId(id), { code: "invalid_argument", message, details });
  }
});
