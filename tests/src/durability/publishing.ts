import assert from "node:assert/strict";
import { Agent, type Envelope } from "@loom-bridge/client";
import { Ledger } from "../soak/ledger.ts";
import { startLoad } from "../soak/load.ts";
import { reconnect, type Work } from "./work.ts";

/** One agent publishes, another handles at least once; in the end a third reads all that the log has. */
export async function startPublishing(address: string): Promise<Work> {
  const ledger = new Ledger();
  const readOldest = (id: string, delivered: "at-least-once" | "at-most-once", handle: (name: string) => void) =>
    new Agent({
      id,
      address,
      reconnect,
      subscriptions: [
        {
          filters: "work.*",
          delivered,
          start: "oldest",
          handler: (_context: unknown, envelope: Envelope): void => handle(envelope.text()),
        },
      ],
      onGap: ({ reason }) => assert.fail(`a gap: ${reason}`),
    });
  const writer = new Agent({ id: "writer", address, reconnect });
  const reader = readOldest("reader", "at-least-once", (name) => ledger.handle(name));
  await Promise.all([writer, reader].map((agent) => agent.start()));
  const load = startLoad([writer], ledger, "work.done", { atOnce: 8, pauseMs: 1 });
  return {
    what: "events",
    get acknowledged() {
      return ledger.acknowledged;
    },
    stop: () => load.stop(),
    async verify() {
      await ledger.complete();
      const kept: number[] = [];
      const done = Promise.withResolvers<void>();
      const auditor = readOldest("auditor", "at-most-once", (name) => {
        if (kept.push(Number(name)) === ledger.written) done.resolve();
      });
      await auditor.start();
      await done.promise;
      await Promise.all([auditor, writer, reader].map((agent) => agent.stop()));
      assert.equal(ledger.acknowledged, ledger.written);
      assert.deepEqual([ledger.lost, ledger.doubled], [[], []]);
      // Each once, in the order of the writing.
      assert.deepEqual(
        kept,
        Array.from({ length: ledger.written }, (_, index) => index + 1),
      );
    },
  };
}
