import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { runHistories } from "../histories.test-helper.ts";
import { GroupHistory, type GroupRequest, type GroupStep } from "./group-history.test-helper.ts";

const member = fc.nat(3);
const pick = fc.nat(9);
const of = <Kind extends GroupStep["kind"]>(kind: Kind) => fc.constant(kind);

const step: fc.Arbitrary<GroupStep> = fc.oneof(
  { weight: 7, arbitrary: fc.record({ kind: of("publish"), ms: fc.constant(0) }) },
  { weight: 3, arbitrary: fc.record({ kind: of("join"), member }) },
  { weight: 2, arbitrary: fc.record({ kind: of("die"), member }) },
  { weight: 6, arbitrary: fc.record({ kind: of("take"), member, max: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: of("settle"), member, pick }) },
  { weight: 1, arbitrary: fc.record({ kind: of("acknowledge"), member, pick }) },
  { weight: 2, arbitrary: fc.record({ kind: of("retry"), member, pick, delayMs: fc.nat(500) }) },
  { weight: 2, arbitrary: fc.record({ kind: of("advance"), ms: fc.oneof(fc.nat(10), fc.nat(80_000)) }) },
  { weight: 1, arbitrary: fc.record({ kind: of("crash"), publishing: fc.boolean() }) },
);

const durable = "jobs";

function runGroup(context: TestContext, requests: readonly GroupRequest[]): Promise<void> {
  return runHistories(context, {
    step: fc.tuple(step, fc.nat(requests.length - 1)),
    count: 40 * requests.length,
    async run(steps) {
      const [request] = requests.slice(steps[0]?.[1] ?? 0);
      const history = new GroupHistory(request as GroupRequest);
      await history.start();
      for (const [each] of steps) await history.run(each);
      await history.finish();
    },
  });
}

const atLeastOnce = { window: 3, atLeastOnce: true, maxAttempts: 3 };

test("a group at least once loses nothing, whoever joins and dies, and gives nothing again that it is done with", (context) =>
  runGroup(context, [atLeastOnce, { ...atLeastOnce, durable }]));

test("a group at most once gives each event to one member, and loses only what was waiting when the last of them left", (context) =>
  runGroup(context, [{ window: 0 }, { window: 2 }, { window: 0, durable }, { window: 2, durable }]));
