import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { allowedCores, place, twoCores } from "./place.ts";

describe("the cores a process may use", () => {
  it("are listed one by one and in ranges", () => {
    assert.deepEqual(allowedCores("Cpus_allowed:\tff\nCpus_allowed_list:\t0-2,5\nMems_allowed:\t1\n"), [0, 1, 2, 5]);
    assert.deepEqual(allowedCores("Cpus_allowed_list:\t3\n"), [3]);
  });

  it("are none where the system does not say", () => {
    assert.deepEqual(allowedCores("Name:\tnode\n"), []);
  });

  it("are one when it was placed", async (t) => {
    const cores = await twoCores();
    if (typeof cores === "string") return t.skip(cores);
    const child = spawn("sleep", ["60"]);
    try {
      await once(child, "spawn");
      const { pid = 0 } = child;
      await place(cores[1], [pid]);
      assert.deepEqual(allowedCores(readFileSync(`/proc/${pid}/status`, "utf8")), [cores[1]]);
    } finally {
      child.kill();
    }
  });
});
