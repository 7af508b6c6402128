import { test } from "node:test";
import fc from "fast-check";
import { runHistories } from "../histories.test-helper.ts";
import { SessionHistory, type Step } from "./session-model.test-helper.ts";

const agent = fc.nat(2);
const pick = fc.nat(9);
const of = <Kind extends Step["kind"]>(kind: Kind) => fc.constant(kind);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: of("publish"), agent, topic: fc.nat(3), wait: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: of("publish-again"), agent, pick }) },
  { weight: 4, arbitrary: fc.record({ kind: of("connect"), agent }) },
  { weight: 1, arbitrary: fc.record({ kind: of("leave"), agent }) },
  { weight: 6, arbitrary: fc.record({ kind: of("take"), agent }) },
  { weight: 2, arbitrary: fc.record({ kind: of("late"), agent }) },
  { weight: 4, arbitrary: fc.record({ kind: of("settle"), agent, pick }) },
  { weight: 2, arbitrary: fc.record({ kind: of("acknowledge"), agent, pick }) },
  { weight: 2, arbitrary: fc.record({ kind: of("retry"), agent, pick, delayMs: fc.nat(500) }) },
  { weight: 2, arbitrary: fc.record({ kind: of("advance"), ms: fc.nat(60_000), silent: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ kind: of("drain") }) },
  { weight: 1, arbitrary: fc.record({ kind: of("crash") }) },
);

test("whatever happens to sessions, each agent has one, who comes and goes is told once, and every event goes where it should", (context) =>
  runHistories(context, {
    step,
    count: 150,
    async run(steps) {
      const history = new SessionHistory();
      await history.start();
      for (const each of steps) await history.run(each);
      await history.finish();
    },
  }));
