import assert from "node:assert/strict";
import { test } from "node:test";
import { LazyAbort } from "./lazy-abort.ts";

test("a signal is the same whenever it is asked for, and aborts with its source", () => {
  const abort = new LazyAbort();
  const { signal } = abort;
  assert.equal(abort.signal, signal);
  assert.deepEqual([abort.isAborted, signal.aborted], [false, false]);
  abort.abort();
  assert.deepEqual([abort.isAborted, signal.aborted], [true, true]);
});

test("a signal that is asked for late has aborted already", () => {
  const abort = new LazyAbort();
  abort.abort();
  assert.ok(abort.signal.aborted);
});
