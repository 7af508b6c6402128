import { test } from "node:test";
import { readSeed } from "../../soak/seeded-random.ts";
import { startVictim } from "../victim.ts";
import { fuzz } from "./fuzz.ts";

const victim = await startVictim({ limits: { badRequestsPerSec: 1_000_000, cancelledCallsPerSec: 1_000_000 } });
const seed = readSeed();

test(`2000 random inputs, LOOM_SEED=${seed}, do no harm`, async () => {
  await fuzz(victim, { runs: 2000, seed, report: () => {} });
});
