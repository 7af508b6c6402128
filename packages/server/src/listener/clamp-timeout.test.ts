import assert from "node:assert/strict";
import { test } from "node:test";
import { maxTimerDelayMs } from "@loom-bridge/protocol";
import { clampTimeout } from "./clamp-timeout.ts";

function clamped(name: string, value: string, maxMs: number): string | null {
  const header = new Headers({ [name]: value });
  clampTimeout(header, maxMs);
  return header.get(name);
}

test("a deadline beyond the longest timer becomes the longest timer", () => {
  assert.equal(clamped("grpc-timeout", "99999999H", maxTimerDelayMs), "2147483S");
  assert.equal(clamped("connect-timeout-ms", "9999999999", maxTimerDelayMs), "2147483647");
});

test("a deadline beyond a smaller limit becomes that limit", () => {
  assert.equal(clamped("grpc-timeout", "1H", 5000), "5000m");
  assert.equal(clamped("connect-timeout-ms", "5001", 5000), "5000");
});

test("any other deadline stays as it is, and so does what is none", () => {
  for (const value of ["5000m", "99999999n", "1x", "123456789S", ""])
    assert.equal(clamped("grpc-timeout", value, 5000), value);
  for (const value of ["5000", "12345678901", "-1"]) assert.equal(clamped("connect-timeout-ms", value, 5000), value);
});
