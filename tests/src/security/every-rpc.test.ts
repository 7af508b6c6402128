import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, type DescMethod, type DescMethodStreaming, type DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import {
  ActionService,
  AdminService,
  AgentService,
  BridgeService,
  MemoryService,
} from "@loom-bridge/protocol/messages";
import { createGuardedWorld, type Wire, wires } from "./guarded-world.ts";

// Whoever adds an RPC adds here what becomes of it for somebody who is let in and may do nothing.
const withoutGrants: Readonly<Record<string, "denied" | "sees nothing" | "is for everybody">> = {
  "ActionService.forwardToolCall": "denied",
  "ActionService.listTools": "sees nothing",
  "AdminService.reload": "denied",
  "AdminService.whoAmI": "is for everybody",
  "AgentService.listAgents": "sees nothing",
  "AgentService.watchAgents": "sees nothing",
  "BridgeService.explain": "sees nothing",
  "BridgeService.getInfo": "is for everybody",
  "BridgeService.getStats": "sees nothing",
  "BridgeService.publish": "denied",
  "BridgeService.stream": "denied",
  "BridgeService.subscribe": "denied",
  "MemoryService.checkDuplicate": "denied",
  "MemoryService.checkExecuted": "denied",
  "MemoryService.claimExecution": "denied",
  "MemoryService.getExecutionStats": "denied",
  "MemoryService.getRecentPlans": "denied",
  "MemoryService.markExecuted": "denied",
  "MemoryService.releaseExecution": "denied",
  "MemoryService.savePlan": "denied",
};

const methods = [ActionService, AdminService, AgentService, BridgeService, MemoryService].flatMap(
  (service) => service.methods as readonly DescMethod[],
);
const nameOf = ({ parent, localName }: DescMethod): string => `${parent.name}.${localName}`;

/** A request that would do something, if its sender might. */
const requests: Readonly<Record<string, Record<string, unknown>>> = {
  "BridgeService.explain": { id: "e" },
  "BridgeService.publish": { topic: "a", event: { type: "t" } },
  "BridgeService.stream": { event: { case: "register", value: { agentId: "bot" } } },
  "BridgeService.subscribe": { filters: ["a"] },
  "ActionService.forwardToolCall": { name: "t" },
};

/** Makes a call and returns its first answer, or the code that it was refused with. */
async function call(transport: Transport, method: DescMethod): Promise<unknown> {
  const isMemory = method.parent.name === MemoryService.name;
  const request = create(method.input, requests[nameOf(method)] ?? (isMemory ? { sessionId: "s", planHash: "h" } : {}));
  const abort = new AbortController();
  try {
    if (method.methodKind === "unary") {
      return (await transport.unary(method as DescMethodUnary, abort.signal, 5000, {}, request)).message;
    }
    async function* said() {
      yield request;
    }
    const { message } = await transport.stream(method as DescMethodStreaming, abort.signal, 5000, {}, said());
    for await (const first of message) return first;
    return undefined;
  } catch (error) {
    return Code[ConnectError.from(error).code];
  } finally {
    abort.abort();
  }
}

describe("every RPC", () => {
  test("is in the table of what becomes of it without grants", () => {
    assert.deepEqual(methods.map(nameOf).sort(), Object.keys(withoutGrants).sort());
  });

  for (const wire of Object.keys(wires) as Wire[]) {
    test(`refuses whoever shows no credentials or wrong ones, over ${wire}`, async () => {
      await using world = await createGuardedWorld({});
      for (const token of [undefined, "wrong"]) {
        for (const method of methods) {
          assert.equal(await call(world.transport(token, wire), method), "Unauthenticated", nameOf(method));
        }
      }
    });
  }

  test("does, shows and remembers nothing for who may do nothing", async () => {
    await using world = await createGuardedWorld({ poor: { subject: "poor" } });
    for (const method of methods) {
      const answer = await call(world.transport("poor"), method);
      const expected = withoutGrants[nameOf(method)];
      if (expected === "denied") assert.equal(answer, "PermissionDenied", nameOf(method));
      else assert.equal(typeof answer, "object", nameOf(method));
      if (expected !== "sees nothing") continue;
      const lists = Object.values(answer as object).filter((value) => Array.isArray(value));
      assert.deepEqual(lists.flat(), [], nameOf(method));
    }
  });
});
