import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Agent, type Envelope } from "@loom-bridge/client";
import { countReconnects } from "../soak/count-reconnects.ts";
import { Ledger } from "../soak/ledger.ts";
import { startLoad } from "../soak/load.ts";
import { startDurableBridge } from "../soak/start-durable-bridge.ts";

const reconnect = { firstDelayMs: 20, maxDelayMs: 100, stableAfterMs: 100 };

test("a bridge that is killed or stopped under load, and comes back on the same port, loses no event that it acknowledged", {
  timeout: 120_000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), "restart-"));
  let bridge = await startDurableBridge("127.0.0.1:0", directory);
  const { address } = bridge;
  const ledger = new Ledger();
  const handler = (_context: unknown, envelope: Envelope): void => ledger.handle(envelope.text());
  const reader = new Agent({
    id: "reader",
    address,
    reconnect,
    subscriptions: [{ filters: "work.*", delivered: "at-least-once", handler }],
  });
  const writers = ["a", "b"].map((id) => new Agent({ id, address, reconnect }));
  try {
    await Promise.all([reader, ...writers].map((agent) => agent.start()));
    const returns = countReconnects(reader);
    const load = startLoad(writers, ledger, "work.done");
    for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
      const before = ledger.handled;
      while (ledger.handled < before + 500) await new Promise((resolve) => setTimeout(resolve, 5));
      await bridge.end(signal);
      bridge = await startDurableBridge(address, directory);
    }
    await load.stop();
    await ledger.complete();
    // What it had was complete, perhaps before it was back, and is told before its status.
    while (returns.count < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(ledger.acknowledged, ledger.written);
    assert.deepEqual([ledger.lost, ledger.doubled], [[], []]);
  } finally {
    await Promise.all([reader, ...writers].map((agent) => agent.stop()));
    await bridge.end("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  }
});
