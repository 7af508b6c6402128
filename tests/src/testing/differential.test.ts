import assert from "node:assert/strict";
import { test } from "node:test";
import { type BridgeTarget, checkBridge, createMemoryTarget, type SessionRecord } from "@loom-bridge/testing/model";
import { createSocketTarget } from "./socket-target.ts";

// The same made-up actions on a bridge in memory and on bridges behind sockets, in virtual and in real time: every
// session must hear the same. RUNS=500 pnpm test tests/src/testing/differential.test.ts compares as many.
const runs = Number(process.env["RUNS"] ?? 4);
const seed = Number(process.env["SEED"] ?? 1);

/** A test has no time to wait for who says nothing. */
const options = { registerTimeoutMs: 150 };

const targets: Readonly<Record<string, () => Promise<BridgeTarget>>> = {
  memory: async () => createMemoryTarget(options),
  h2c: () => createSocketTarget(false, options),
  TLS: () => createSocketTarget(true, options),
};

test(`memory, h2c and TLS hear the same in ${runs} runs of seed ${seed}`, { timeout: 3_600_000 }, async (context) => {
  const heard = new Map<string, SessionRecord[][]>();
  for (const [name, createTarget] of Object.entries(targets)) {
    const records: SessionRecord[][] = [];
    const { broken } = await checkBridge({
      createTarget,
      runs,
      seed,
      shrink: false,
      onRun: (_, one) => records.push(one),
    });
    assert.equal(broken, undefined, `${name}: ${broken?.message}\n${broken?.commands.join("\n")}`);
    heard.set(name, records);
  }
  const [memory = [], h2c, tls] = [...heard.values()];
  assert.equal(memory.length, runs);
  for (const [index, record] of memory.entries()) {
    assert.deepEqual(h2c?.[index], record, `h2c differs from memory in run ${index + 1}`);
    assert.deepEqual(tls?.[index], record, `TLS differs from memory in run ${index + 1}`);
  }
  context.diagnostic(
    `${memory.flat().length} sessions heard ${memory.flat().flatMap(({ events }) => events).length} events`,
  );
});
