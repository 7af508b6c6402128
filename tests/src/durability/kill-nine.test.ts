import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BridgeClient, LoomError } from "@loom-bridge/client";
import { startBridgeProcess } from "./bridge-process.ts";

const kills = 3;
const writers = 8;
/** How many answers the writers get before the bridge is killed under them. */
const answersBeforeKill = 300;
/** As many plans of one symbol as GetRecentPlans can return. */
const plansPerSymbol = 100;
const sessionId = "kill-nine";

/** What one writer sent in one life of the bridge, and what of it was answered. */
interface Diary {
  readonly name: string;
  sent: number;
  readonly saved: string[];
  readonly executed: string[];
}

test("a bridge that is killed while it writes keeps every plan and execution that it acknowledged", async () => {
  const directory = await mkdtemp(join(tmpdir(), "kill-nine-"));
  try {
    const dataFile = join(directory, "memory.db");
    const diaries: Diary[] = [];
    let address = "127.0.0.1:0";
    for (let life = 0; life < kills; life += 1) {
      await using bridge = await startBridgeProcess(address, dataFile);
      // The next life is on the same port, so that clients find it.
      address = bridge.address;
      diaries.push(...(await writeUntilKilled(life, address, () => bridge.kill())));
    }
    await using bridge = await startBridgeProcess(address, dataFile);
    await using client = new BridgeClient({ address: bridge.address });
    for (const diary of diaries) await compare(client, diary);

    const { totalExecutions } = await client.getExecutionStats({ sessionId });
    const acknowledged = diaries.reduce((sum, { executed }) => sum + executed.length, 0);
    assert.ok(totalExecutions >= acknowledged, `${totalExecutions} executions, ${acknowledged} acknowledged`);
    assert.ok(totalExecutions <= acknowledged + diaries.length, "each writer had at most one on its way");
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

async function writeUntilKilled(life: number, address: string, kill: () => Promise<void>): Promise<Diary[]> {
  await using client = new BridgeClient({ address });
  let answers = 0;
  let killed: Promise<void> | undefined;
  const onAnswer = (): void => {
    answers += 1;
    if (answers === answersBeforeKill) killed = kill();
  };
  const diaries = Array.from({ length: writers }, (_, writer): Diary => {
    return { name: `life${life}-writer${writer}`, sent: 0, saved: [], executed: [] };
  });
  const outcomes = await Promise.allSettled(diaries.map((diary) => write(client, diary, onAnswer)));
  await killed;
  for (const outcome of outcomes) {
    const reason: unknown = outcome.status === "rejected" ? outcome.reason : assert.fail("a writer came to an end");
    assert.ok(LoomError.isInstance(reason) && reason.code === "unavailable", String(reason));
  }
  assert.ok(diaries.every(({ saved }) => saved.length > 0));
  return diaries;
}

/** Saves plan after plan and marks each executed, until the bridge is gone. */
async function write(client: BridgeClient, diary: Diary, onAnswer: () => void): Promise<never> {
  for (;;) {
    const planHash = hashOf(diary, diary.sent);
    const plan = { symbol: symbolOf(diary, diary.sent), action: "BUY", planHash, reasoning: `because of ${planHash}` };
    diary.sent += 1;
    assert.ok((await client.savePlan({ sessionId, plan })).success);
    diary.saved.push(planHash);
    onAnswer();
    assert.ok(!(await client.markExecuted({ sessionId, planHash })).alreadyExecuted);
    diary.executed.push(planHash);
    onAnswer();
  }
}

async function compare(client: BridgeClient, diary: Diary): Promise<void> {
  const kept: string[] = [];
  for (let index = 0; index < diary.sent; index += plansPerSymbol) {
    const symbol = symbolOf(diary, index);
    const { plans } = await client.getRecentPlans({ sessionId, symbol, limit: plansPerSymbol });
    for (const { planHash, reasoning } of plans.toReversed()) {
      assert.equal(reasoning, `because of ${planHash}`);
      kept.push(planHash);
    }
  }
  // In the order of the writing, none twice, and at most the one more that was on its way.
  assert.deepEqual(kept.slice(0, diary.saved.length), diary.saved);
  assert.ok(kept.length <= diary.sent, `${diary.name} sent ${diary.sent} plans, and ${kept.length} were kept`);
  for (const planHash of diary.executed) {
    const { isExecuted } = await client.checkExecuted({ sessionId, planHash });
    assert.ok(isExecuted, `${planHash} was executed`);
  }
}

function hashOf({ name }: Diary, index: number): string {
  return `${name}-plan${index}`;
}

function symbolOf({ name }: Diary, index: number): string {
  return `${name}-${Math.floor(index / plansPerSymbol)}`;
}
