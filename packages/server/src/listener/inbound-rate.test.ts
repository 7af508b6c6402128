import assert from "node:assert/strict";
import { test } from "node:test";
import { createBreaches } from "../domain/breaches.ts";
import { createInboundRate } from "./inbound-rate.ts";
import { createManualTimers } from "./listener.test-helper.ts";

test("messages beyond twice a second's worth wait for their time, and nobody is refused", () => {
  const time = createManualTimers();
  const breaches = createBreaches();
  const limits = { streamMessagesPerSec: 10, streamBytesPerSec: 0 };
  const rate = createInboundRate({ limits, breaches, runtime: time.runtime });
  let passed = 0;
  const next = (): void => void (passed += 1);
  for (let count = 0; count < 21; count += 1) rate.spend(1, next);
  assert.equal(passed, 20);
  time.advance(99);
  assert.equal(passed, 20);
  time.advance(1);
  assert.equal(passed, 21);
  assert.equal(breaches.counts().get("streamMessagesPerSec"), 1);
});

test("bytes have a rate of their own, and a call that is over waits for nothing", () => {
  const time = createManualTimers();
  const limits = { streamMessagesPerSec: 0, streamBytesPerSec: 1000 };
  const rate = createInboundRate({ limits, breaches: createBreaches(), runtime: time.runtime });
  let passed = 0;
  rate.spend(2500, () => (passed += 1));
  assert.equal(passed, 0);
  rate.close();
  time.advance(60_000);
  assert.equal(passed, 0);
});
