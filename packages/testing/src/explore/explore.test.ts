import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestBridge } from "../test-bridge.ts";
import { WorldError } from "../world-error.ts";
import { assertDeterministic } from "./assert-deterministic.ts";
import { explore } from "./explore.ts";

/** The reader must get the first of two authors' events first, which nobody promises. */
async function orderOfTwo(bridge: TestBridge): Promise<void> {
  const reader = await bridge.probe("reader", { topics: ["news"] });
  const [one, two] = [await bridge.agent({ id: "one" }), await bridge.agent({ id: "two" })];
  await bridge.run(
    Promise.all([one.publish("news", { type: "t", payload: 1 }), two.publish("news", { type: "t", payload: 2 })]),
  );
  assert.equal((await reader.expectNext()).payload, 1);
}

test("what holds in the plain order but not in another is found, shrunk to a turn or two, and can be repeated", async () => {
  const found = await explore({ runs: 200, seed: 1 }, orderOfTwo).then(
    () => assert.fail("nothing was found"),
    (error: WorldError) => error,
  );
  assert.match(found.message, /fails when [12] turns are taken otherwise: /);
  const [, schedule = ""] = /schedule: "([\d: ]+)"/.exec(found.message) ?? [];
  await assert.rejects(explore({ seed: 1, schedule }, orderOfTwo), WorldError);
  await explore({ seed: 1, schedule: "" }, orderOfTwo);
});

test("what holds in every order passes, and says how many there were", async () => {
  const { runs, choices } = await explore({ runs: 20 }, async (bridge) => {
    const reader = await bridge.probe("reader", { topics: ["news"] });
    const authors = await Promise.all(["one", "two", "three"].map((id) => bridge.agent({ id })));
    await bridge.run(Promise.all(authors.map((author) => author.publish("news", { type: "t" }))));
    await reader.expectNextN(3);
    await reader.expectNone();
  });
  assert.equal(runs, 21);
  assert.ok(choices > 10, `${choices} choices`);
});

test("a scenario that fails in the plain order says so", async () => {
  await assert.rejects(
    explore({ runs: 5 }, () => Promise.reject(new Error("always"))),
    /fails in the plain order: always/,
  );
});

test("a schedule that is none shows how one is written", async () => {
  await assert.rejects(explore({ schedule: "12-1" }, orderOfTwo), /such as "12:1 40:3"/);
});

test("the same seed makes the same bytes at the same times, through faults and reconnects", async () => {
  const scenario = async (bridge: TestBridge): Promise<void> => {
    const reader = await bridge.probe("reader", { topics: ["news"] });
    bridge.faults.latency("10ms", { jitter: "30ms" });
    bridge.faults.cut({ link: "author", kind: "receiptBatch", skip: 2 });
    const author = await bridge.probe("author");
    for (let index = 0; index < 10; index += 1) await author.publish("news", { index });
    await reader.expectNextN(10);
    await bridge.clock.advance("5m");
  };
  await assertDeterministic(scenario, { seed: 3 });
});

test("a scenario that takes randomness from elsewhere is shown where it first differs", async () => {
  let runs = 0;
  const scenario = async (bridge: TestBridge): Promise<void> => {
    runs += 1;
    const author = await bridge.probe("author");
    await author.publish("news", { same: true });
    await author.publish("news", { runs });
  };
  await assert.rejects(assertDeterministic(scenario), (error: Error) => {
    assert.match(error.message, /then the first time:\n.*\{"runs":1\}\nand the second time:\n.*\{"runs":2\}/);
    return true;
  });
});
