import assert from "node:assert/strict";
import { test } from "node:test";
import { type Duration, formatElapsed, toMilliseconds } from "./duration.ts";

test("durations are numbers of milliseconds, or have a unit", () => {
  const given: Duration[] = [0, 12.5, "250ms", "1.5s", "2m", "1h", "2d"];
  assert.deepEqual(
    given.map((duration) => toMilliseconds(duration)),
    [0, 12.5, 250, 1500, 120_000, 3_600_000, 172_800_000],
  );
});

test("what is no duration names its field, and shows how one is written", () => {
  for (const wrong of [-1, Number.NaN, "", "1", "-1s", "1 s"]) {
    assert.throws(() => toMilliseconds(wrong as Duration, "delay"), /delay is .*write milliseconds/);
  }
});

test("times of the timeline are short while they can be", () => {
  assert.deepEqual([0, 90_000, 3_661_001].map(formatElapsed), ["+0.000s", "+90.000s", "+1h01m01.001s"]);
});
