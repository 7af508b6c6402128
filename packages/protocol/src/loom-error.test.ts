import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { LoomError } from "./loom-error.ts";

describe("LoomError", () => {
  it("puts the code at the start of its message and keeps the message without it", () => {
    const error = new LoomError("not_found", "no tool of this name");
    assert.equal(error.message, "[not_found] no tool of this name");
    assert.equal(error.rawMessage, "no tool of this name");
    assert.equal(error.code, "not_found");
    assert.equal(String(error), "LoomError: [not_found] no tool of this name");
    assert.ok(error instanceof Error);
  });

  it("keeps its cause, and has none unless one was given", () => {
    const cause = new TypeError("no");
    assert.equal(new LoomError("internal", "x", { cause }).cause, cause);
    assert.equal(Object.hasOwn(new LoomError("internal", "x"), "cause"), false);
  });

  it("keeps its details, and has an empty record unless some were given", () => {
    assert.deepEqual(new LoomError("internal", "x", { details: { field: "topic" } }).details, { field: "topic" });
    assert.deepEqual(new LoomError("internal", "x").details, {});
  });

  it("is retryable by default for unavailable and aborted alone", () => {
    assert.equal(new LoomError("unavailable", "x").retryable, true);
    assert.equal(new LoomError("aborted", "x").retryable, true);
    assert.equal(new LoomError("internal", "x").retryable, false);
    assert.equal(new LoomError("deadline_exceeded", "x").retryable, false);
  });

  it("is as retryable as its maker says", () => {
    assert.equal(new LoomError("unavailable", "x", { retryable: false }).retryable, false);
    assert.equal(new LoomError("internal", "x", { retryable: true }).retryable, true);
  });

  describe("isInstance", () => {
    it("knows a LoomError and those derived from it", () => {
      class Derived extends LoomError {}
      assert.equal(LoomError.isInstance(new LoomError("internal", "x")), true);
      assert.equal(LoomError.isInstance(new Derived("internal", "x")), true);
    });

    it("knows a LoomError that another copy of the package made", async () => {
      const copy: typeof import("./loom-error.ts") = await import(`./loom-error.ts?copy=${"1"}`);
      const foreign = new copy.LoomError("internal", "x");
      assert.equal(foreign instanceof LoomError, false);
      assert.equal(LoomError.isInstance(foreign), true);
    });

    for (const value of [undefined, null, "LoomError", 1, {}, new Error("x"), { code: "internal", message: "x" }]) {
      it(`knows that ${inspect(value).split("\n")[0]} is none`, () => {
        assert.equal(LoomError.isInstance(value), false);
      });
    }
  });
});
