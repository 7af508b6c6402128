import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it, mock } from "node:test";
import { maxTimerDelayMs, systemRuntime } from "./runtime.ts";

describe("systemRuntime", () => {
  it("calls a timer back once", async () => {
    let calls = 0;
    await new Promise<void>((resolve) => {
      const holdProcess = setTimeout(() => assert.fail("the timer did not fire"), 10_000);
      systemRuntime.setTimer(() => {
        calls += 1;
        clearTimeout(holdProcess);
        resolve();
      }, 1);
    });
    assert.equal(calls, 1);
  });

  it("does not call a timer back that was cancelled, however often", async () => {
    let called = false;
    const timer = systemRuntime.setTimer(() => {
      called = true;
    }, 0);
    timer.cancel();
    timer.cancel();
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(called, false);
  });

  it("takes a delay beyond the longest timer as that, and one below zero as zero", () => {
    const delays: (number | undefined)[] = [];
    const setTimeoutMock = mock.method(globalThis, "setTimeout", (_callback: () => void, delayMs?: number) => {
      delays.push(delayMs);
      return { unref: () => undefined };
    });
    try {
      for (const delayMs of [maxTimerDelayMs + 1, Number.POSITIVE_INFINITY, maxTimerDelayMs, -1, 7]) {
        systemRuntime.setTimer(() => undefined, delayMs);
      }
    } finally {
      setTimeoutMock.mock.restore();
    }
    assert.deepEqual(delays, [maxTimerDelayMs, maxTimerDelayMs, maxTimerDelayMs, 0, 7]);
  });

  it("keeps no process alive by a timer", () => {
    const program = `import { systemRuntime } from ${JSON.stringify(new URL("runtime.ts", import.meta.url).href)};
      systemRuntime.setTimer(() => console.log("fired"), 60_000);`;
    const child = spawnSync(process.execPath, ["--import=tsx", "--input-type=module", "--eval", program], {
      encoding: "utf8",
      timeout: 30_000,
    });
    assert.equal(child.status, 0, child.stderr);
    assert.equal(child.stdout, "");
  });

  it("defers a callback until the promises that are ready have run", async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      systemRuntime.defer(() => {
        order.push("deferred");
        resolve();
      });
      void Promise.resolve().then(() => order.push("promise"));
      order.push("now");
    });
    assert.deepEqual(order, ["now", "promise", "deferred"]);
  });

  it("has a clock in milliseconds since the Unix epoch and one that never goes back", () => {
    const before = Date.now();
    const now = systemRuntime.now();
    assert.ok(before <= now && now <= Date.now());
    const first = systemRuntime.monotonic();
    assert.ok(first <= systemRuntime.monotonic());
  });

  it("has numbers from 0 up to 1 and ids that differ", () => {
    const number = systemRuntime.random();
    assert.ok(number >= 0 && number < 1);
    assert.match(systemRuntime.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.notEqual(systemRuntime.uuid(), systemRuntime.uuid());
  });
});
