import assert from "node:assert/strict";
import { test } from "node:test";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { MemoryService } from "@loom-bridge/protocol/messages";
import { describeInEveryWorld, type World } from "../world.ts";

const key = { sessionId: "desk", planHash: "plan" };
const leaseMs = 60_000;

function memoryOf(world: World): Client<typeof MemoryService> {
  return createClient(MemoryService, world.transport("grpc"));
}

async function refused(call: Promise<unknown>, code: Code, message: RegExp): Promise<void> {
  await assert.rejects(
    call,
    (error) => error instanceof ConnectError && error.code === code && message.test(error.message),
  );
}

describeInEveryWorld("claims of plans", (createWorld) => {
  test("go to one of many executors, who alone can execute, once", async () => {
    await using world = await createWorld();
    const memory = memoryOf(world);
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, index) => memory.claimExecution({ ...key, holder: `executor${index}`, leaseMs })),
    );
    const [mine, ...more] = claims.filter(({ claimed }) => claimed);
    assert.ok(mine !== undefined && more.length === 0);
    const others = claims.filter(({ claimed }) => !claimed);
    assert.equal(new Set(others.map(({ heldBy }) => heldBy)).size, 1);
    assert.ok(others.every(({ fencingToken, expiresMs }) => fencingToken === 0n && expiresMs === mine.expiresMs));

    await refused(memory.markExecuted(key), Code.FailedPrecondition, /is claimed by "executor/);
    const { fencingToken } = mine;
    await refused(memory.markExecuted({ ...key, fencingToken: fencingToken - 1n }), Code.FailedPrecondition, /latest/);
    assert.equal((await memory.checkExecuted(key)).isExecuted, false);
    const marks = [
      await memory.markExecuted({ ...key, fencingToken }),
      await memory.markExecuted({ ...key, fencingToken }),
    ];
    assert.deepEqual(
      marks.map(({ alreadyExecuted }) => alreadyExecuted),
      [false, true],
    );
    const { claimed, execution } = await memory.claimExecution({ ...key, holder: "late" });
    assert.deepEqual([claimed, execution?.status], [false, "executed"]);
  });

  test("are kept by claiming again, and given to the next when they are released", async () => {
    await using world = await createWorld();
    const memory = memoryOf(world);
    const first = await memory.claimExecution({ ...key, holder: "a", leaseMs });
    const renewed = await memory.claimExecution({ ...key, holder: "a", leaseMs });
    assert.ok(renewed.claimed && renewed.fencingToken === first.fencingToken && renewed.expiresMs >= first.expiresMs);
    const { fencingToken } = first;
    assert.deepEqual(
      [
        (await memory.releaseExecution({ ...key, fencingToken: fencingToken + 1n })).released,
        (await memory.releaseExecution({ ...key, fencingToken })).released,
        (await memory.releaseExecution({ ...key, fencingToken })).released,
      ],
      [false, true, false],
    );
    const next = await memory.claimExecution({ ...key, holder: "b", leaseMs });
    assert.ok(next.claimed && next.fencingToken > fencingToken);
    await refused(memory.markExecuted({ ...key, fencingToken }), Code.FailedPrecondition, /fencing_token/);
  });

  test("say what is wrong with a request", async () => {
    await using world = await createWorld();
    const memory = memoryOf(world);
    await refused(memory.claimExecution({ ...key, holder: "" }), Code.InvalidArgument, /holder is required/);
    await refused(memory.claimExecution({ ...key, holder: "a", leaseMs: 99 }), Code.InvalidArgument, /lease_ms is 99/);
    await refused(memory.claimExecution({ ...key, holder: "a", leaseMs: -1 }), Code.InvalidArgument, /lease_ms is -1/);
    await refused(memory.releaseExecution(key), Code.InvalidArgument, /fencing_token is 0/);
  });
});
