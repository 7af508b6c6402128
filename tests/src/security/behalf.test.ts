import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClient } from "@connectrpc/connect";
import { type Agent, defineTool, type ToolContext } from "@loom-bridge/client";
import { ActionService, type ToolCancel, type ToolRequest, type ToolResponse } from "@loom-bridge/protocol/messages";
import type { PrincipalInit } from "@loom-bridge/server";
import { z } from "zod";
import { RawAgent } from "../raw-agent.ts";
import { createGuardedWorld, type GuardedWorld } from "./guarded-world.ts";

// Somebody calls a tool, and whoever provides it calls another: by its own rights, or on behalf of who called it.

const principal = (subject: string, call: string[], provide: string[] = []): PrincipalInit => ({
  subject,
  agentIds: [subject],
  grants: { tools: { call, provide } },
});

const principals = {
  clerk: principal("clerk", ["desk:*"]),
  chief: principal("chief", ["desk:*", "vault:*"]),
  desk: principal("desk", ["vault:*"], ["desk:*"]),
  vault: principal("vault", [], ["vault:*"]),
};

const tool = (name: string, run: (args: object, context: ToolContext) => unknown) =>
  defineTool({ name, description: "", input: z.object({}), run });

/** A vault that says for whom it was opened, and a desk that opens it: `desk:own` as itself, `desk:theirs` for its caller. */
async function createDesk(world: GuardedWorld): Promise<void> {
  await world.agent("vault", { id: "vault", tools: [tool("vault:open", (_, { callers }) => callers)] });
  const open = (context?: ToolContext): Promise<unknown> => desk.callTool("vault:open", {}, { onBehalfOf: context });
  const tools = [tool("desk:own", () => open()), tool("desk:theirs", (_, context) => open(context))];
  const desk: Agent = await world.agent("desk", { id: "desk", tools });
}

describe("a call that serves another", () => {
  test("counts by the rights of its own caller, and its provider is told of nobody else", async () => {
    await using world = await createGuardedWorld(principals);
    await createDesk(world);
    const clerk = await world.agent("clerk", { id: "clerk" });
    assert.deepEqual(await clerk.callTool("desk:own", {}), ["desk"]);
  });

  test("on behalf of its caller is allowed to what that may call too, and its provider is told of both", async () => {
    await using world = await createGuardedWorld(principals);
    await createDesk(world);
    const chief = await world.agent("chief", { id: "chief" });
    assert.deepEqual(await chief.callTool("desk:theirs", {}), ["chief", "desk"]);
    const clerk = await world.agent("clerk", { id: "clerk" });
    await assert.rejects(
      clerk.callTool("desk:theirs", {}),
      /agent "clerk" on whose behalf the call is made may not call tool "vault:open"/,
    );
    const denied = world.audit.find(({ message }) => message === "audit: denied");
    assert.deepEqual([denied?.["subject"], denied?.["resource"]], ["clerk", "vault:open"]);
  });

  test("and began without a session is one of its principal's, by the rights of that", async () => {
    await using world = await createGuardedWorld({
      ...principals,
      nobody: { subject: "nobody", grants: { tools: { call: ["*"] } } },
    });
    await createDesk(world);
    const call = async (token: string): Promise<string> => {
      const action = createClient(ActionService, world.transport(token));
      const { output, error } = await action.forwardToolCall({ name: "desk:theirs" });
      return output || (error?.message ?? "");
    };
    assert.equal(await call("chief"), '["chief","desk"]');
    assert.equal(await call("nobody"), '["","desk"]');
    assert.match(await call("clerk"), /on whose behalf/);
  });

  test("needs the rights of everybody in a longer chain", async () => {
    await using world = await createGuardedWorld({ ...principals, front: principal("front", ["desk:*"], ["front:*"]) });
    await createDesk(world);
    const front: Agent = await world.agent("front", {
      id: "front",
      tools: [tool("front:ask", (_, context) => front.callTool("desk:theirs", {}, { onBehalfOf: context }))],
    });
    world.principals.set("chief", principal("chief", ["*"]));
    const chief = await world.agent("chief", { id: "chief" });
    await assert.rejects(chief.callTool("front:ask", {}), /agent "front" on whose behalf/);
    world.principals.set("front", principal("front", ["desk:*", "vault:*"], ["front:*"]));
    await world.server.reload();
    assert.deepEqual(await chief.callTool("front:ask", {}), ["chief", "front", "desk"]);
  });
});

interface Frames {
  readonly toolRequest: ToolRequest;
  readonly toolResponse: ToolResponse;
  readonly toolCancel: ToolCancel;
}

describe("on behalf of a call", () => {
  async function createRawDesk(world: GuardedWorld) {
    const desk = await RawAgent.open(world.transport("desk"), { agentId: "desk", tools: [{ name: "desk:ask" }] });
    const hear = async <Kind extends keyof Frames>(kind: Kind): Promise<Frames[Kind]> => {
      const { delivery } = (await desk.call.hear()) ?? {};
      assert.equal(delivery?.case, kind);
      return delivery?.value as Frames[Kind];
    };
    return {
      desk,
      hear,
      /** The code that a call for this ref ends with. */
      async call(onBehalfOf: number): Promise<string | undefined> {
        desk.call.say({ case: "toolRequest", value: { ref: 9, call: { name: "vault:open" }, onBehalfOf } });
        return (await hear("toolResponse")).result?.error?.code;
      },
    };
  }

  test("that is not open, or was another's, nobody can call", async () => {
    await using world = await createGuardedWorld(principals);
    await world.agent("vault", { id: "vault", tools: [tool("vault:open", () => "open")] });
    const { desk, hear, call } = await createRawDesk(world);
    assert.equal(await call(1), "FAILED_PRECONDITION");
    const chief = await world.agent("chief", { id: "chief" });
    const asked = chief.callTool("desk:ask", {});
    const { ref, callers } = await hear("toolRequest");
    assert.deepEqual(callers, ["chief"]);
    assert.equal(await call(ref + 1), "FAILED_PRECONDITION");
    assert.equal(await call(ref), undefined);
    // What the desk says of itself changes nothing.
    desk.call.say({
      case: "toolRequest",
      value: { ref: 8, call: { name: "vault:open" }, caller: "chief", callers: ["chief"] },
    });
    assert.equal((await hear("toolResponse")).result?.output, '"open"');
    desk.call.say({ case: "toolResponse", value: { ref, result: { output: "1" } } });
    assert.equal(await asked, 1);
    assert.equal(await call(ref), "FAILED_PRECONDITION");
  });

  test("whose caller lost its rights or its credentials meanwhile, nothing is called any more", async () => {
    await using world = await createGuardedWorld(principals);
    await world.agent("vault", { id: "vault", tools: [tool("vault:open", () => "open")] });
    const { hear, call } = await createRawDesk(world);
    const chief = await world.agent("chief", { id: "chief" });
    const asked = assert.rejects(chief.callTool("desk:ask", {}));
    const { ref } = await hear("toolRequest");
    world.principals.set("chief", principal("chief", ["desk:*"]));
    await world.server.reload();
    assert.equal(await call(ref), "PERMISSION_DENIED");
    world.principals.delete("chief");
    await world.server.reload();
    await asked;
    assert.equal((await hear("toolCancel")).ref, ref);
    assert.equal(await call(ref), "FAILED_PRECONDITION");
  });
});
