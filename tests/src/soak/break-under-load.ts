import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Envelope } from "@loom-bridge/client";
import { countReconnects } from "./count-reconnects.ts";
import type { FragileWorld } from "./fragile-world.ts";
import { Ledger } from "./ledger.ts";
import { startLoad } from "./load.ts";
import { createSeededRandom, readSeed } from "./seeded-random.ts";

export interface BreakUnderLoadOptions {
  readonly create: () => Promise<FragileWorld>;
  readonly delivered: "at-least-once" | "at-most-once";
  /** How often the reader has to come back. */
  readonly reconnects: number;
}

/** Breaks the connections while events flow, and holds what was published against what was handled. */
export async function breakUnderLoad(context: TestContext, options: BreakUnderLoadOptions): Promise<void> {
  const { create, delivered, reconnects } = options;
  const seed = readSeed();
  context.diagnostic(`LOOM_SEED=${seed}`);
  const random = createSeededRandom(seed);
  await using world = await create();
  const ledger = new Ledger();
  const handler = (_context: unknown, envelope: Envelope): void => ledger.handle(envelope.text());
  const reader = await world.agent({
    id: "reader",
    subscriptions: [{ filters: "work.*", delivered, window: 64, handler }],
  });
  const writer = await world.agent({ id: "writer" });
  const returns = countReconnects(reader);
  const load = startLoad([writer], ledger, "work.done");
  while (returns.count < reconnects) {
    await pause(random() * 10);
    world.cut();
  }
  await load.stop();
  await ledger.complete();
  assert.equal(ledger.acknowledged, ledger.written);
  assert.deepEqual([ledger.lost, ledger.doubled], [[], []]);
  context.diagnostic(`${ledger.written} events, ${returns.count} reconnects`);
}
