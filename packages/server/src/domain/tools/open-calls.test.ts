import assert from "node:assert/strict";
import { test } from "node:test";
import { type OpenCall, OpenCalls } from "./open-calls.ts";

test("those that are open are lost, in whatever order the others ended, and may end while they are", () => {
  const calls = new OpenCalls();
  const lost: string[] = [];
  const open = [..."abcde"].map((name) => {
    const call: OpenCall = {
      place: -1,
      lose() {
        lost.push(name);
        calls.remove(call);
      },
    };
    calls.add(call);
    return call;
  });
  for (const at of [0, 4, 2]) calls.remove(open[at] ?? assert.fail());
  assert.equal(calls.size, 2);
  calls.loseAll();
  assert.deepEqual(lost.sort(), ["b", "d"]);
  assert.equal(calls.size, 0);
});
