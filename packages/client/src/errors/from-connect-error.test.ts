import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { LoomError } from "@loom-bridge/protocol";
import { fromConnectError } from "./from-connect-error.ts";
import { isConnectError } from "./is-connect-error.ts";

const codes = Object.entries(Code).filter((entry): entry is [string, Code] => typeof entry[1] === "number");

for (const [name, code] of codes) {
  test(`an error with ${name} from the bridge keeps its code`, () => {
    const error = new ConnectError("no", code);
    error.isWireError = true;
    assert.equal(fromConnectError(error, "Publish", "http://x").code, snakeCase(name));
  });
}

test("what is no error of Connect is internal, with the cause", () => {
  const cause = Object.assign(new Error("no"), { code: Code.NotFound });
  const error = fromConnectError(cause, "Publish", "http://x");
  assert.equal(error.code, "internal");
  assert.equal(error.cause, cause);
});

test("an error of Connect is known by its shape, as Connect knows it", () => {
  class Subclass extends ConnectError {}
  const foreign = Object.assign(new Error("of another copy"), { ...new ConnectError("no"), cause: undefined });
  const errors = [
    new ConnectError("no"),
    new Subclass("no"),
    foreign,
    new Error("no"),
    new LoomError("internal", "no"),
  ];
  for (const error of [...errors, "ConnectError", undefined, { ...new ConnectError("no") }]) {
    assert.equal(isConnectError(error), error instanceof ConnectError);
  }
});

function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();
}
