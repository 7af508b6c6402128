import assert from "node:assert/strict";
import { test } from "node:test";
import { CallCancel } from "./call-signal.ts";

test("a cancel reaches who listens, once", () => {
  const cancel = new CallCancel();
  let heard = 0;
  cancel.addEventListener("abort", () => {
    heard += 1;
  });
  assert.equal(cancel.aborted, false);
  cancel.cancel();
  cancel.cancel();
  assert.deepEqual([cancel.aborted, heard], [true, 1]);
});

test("who left hears nothing, and only takes away what is its own", () => {
  const cancel = new CallCancel();
  const heard: string[] = [];
  const first = (): void => void heard.push("first");
  const second = (): void => void heard.push("second");
  cancel.addEventListener("abort", first);
  cancel.removeEventListener("abort", first);
  cancel.addEventListener("abort", second);
  cancel.removeEventListener("abort", first);
  cancel.cancel();
  assert.deepEqual(heard, ["second"]);
});

test("a second listener is a defect that is heard of, not one that silences the first", () => {
  const cancel = new CallCancel();
  cancel.addEventListener("abort", () => {});
  assert.throws(() => cancel.addEventListener("abort", () => {}), /one at a time/);
});
