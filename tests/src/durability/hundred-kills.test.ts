import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { chooseAddress } from "../soak/choose-address.ts";
import { createSeededRandom, readSeed } from "../soak/seeded-random.ts";
import { startAndKill, startDurableBridge } from "../soak/start-durable-bridge.ts";
import { startCalling } from "./calling.ts";
import { startPlanning } from "./planning.ts";
import { startPublishing } from "./publishing.ts";
import type { Work } from "./work.ts";

/** Of each of two bridges, side by side: while one starts, the other works. */
const kills = 50;
/** A kill of so many comes while the bridge starts. */
const killsForOneAtStart = 8;

test("a bridge that is killed a hundred times keeps every publish, plan, execution and result that it acknowledged, and doubles none", {
  timeout: 300_000,
}, async (context) => {
  const seed = readSeed();
  context.diagnostic(`LOOM_SEED=${seed}`);
  const told = await Promise.all([seed, seed + 1].map((each) => killAgainAndAgain(createSeededRandom(each))));
  for (const line of told) context.diagnostic(line);
});

async function killAgainAndAgain(random: () => number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hundred-kills-"));
  const address = await chooseAddress();
  let bridge = await startDurableBridge(address, folder);
  const works: Work[] = [];
  try {
    works.push(await startPublishing(address), startPlanning(address), await startCalling(address));
    for (let kill = 1; kill <= kills; kill += 1) {
      if (kill % killsForOneAtStart === 0) {
        await bridge.end("SIGKILL");
        await startAndKill(address, folder, random() * 600);
      } else {
        // Not before every kind of work has begun anew.
        const before = works.map(({ acknowledged }) => acknowledged);
        while (works.some(({ acknowledged }, index) => acknowledged === before[index])) await pause(2);
        await pause(random() * 100);
        await bridge.end("SIGKILL");
      }
      bridge = await startDurableBridge(address, folder);
    }
    await Promise.all(works.map((work) => work.stop()));
    for (const work of works) await work.verify();
    assert.ok(works.every(({ acknowledged }) => acknowledged > kills));
    return `${kills} kills, ${works.map(({ acknowledged, what }) => `${acknowledged} ${what}`).join(", ")}`;
  } finally {
    await bridge.end("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
}
