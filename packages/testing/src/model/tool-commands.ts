import { createClient } from "@connectrpc/connect";
import { ActionService, type ToolRequest, type ToolResult, ToolStatus } from "@loom-bridge/protocol/messages";
import { expectKept } from "./broken-promise.ts";
import { type BridgeCommand, command, idOf, mustBecome, type Real, sessionOf } from "./command.ts";
import type { WireSession } from "./wire-session.ts";

/** What becomes of a call. `stranger`: somebody else answers before its provider does. */
export type CallOutcome = "answer" | "fail" | "stranger" | "nothing" | "confused" | "silence" | "cancel" | "leave";

interface OpenCall {
  readonly caller: WireSession;
  readonly ref: number;
  readonly tool: string;
}

/** The provider that got a call, and the call as it got it. */
interface Asked {
  readonly agent: number;
  readonly provider: WireSession;
  readonly request: ToolRequest;
}

/** The time of a call whose provider is silent, and what a bridge that keeps it may take at most. */
const shortMs = 100;
const soonMs = 5000;

function call(real: Real, agent: number, tool: string, ref: number, timeoutMs = 0): OpenCall {
  const caller = sessionOf(real, agent);
  caller.say({ case: "toolRequest", value: { ref, call: { name: tool, arguments: "{}", timeoutMs } } });
  return { caller, ref, tool };
}

async function mustEnd(real: Real, { caller, ref, tool }: OpenCall): Promise<ToolResult> {
  await mustBecome(real, () => caller.resultsOf(ref).length > 0, "P9", `a call of ${tool} never ends`, soonMs);
  const [result] = caller.resultsOf(ref);
  expectKept(result !== undefined, "P9", `a call of ${tool} ends without a result`);
  return result;
}

async function mustBeAsked(real: Real, callerId: string, tool: string): Promise<Asked> {
  const find = (): Asked | undefined => {
    for (const [agent, provider] of real.sessions) {
      const request = provider.requests.at(-1);
      const isOpen = request !== undefined && !answered.has(request) && request.call?.name === tool;
      if (isOpen && request.caller === callerId) return { agent, provider, request };
    }
    return undefined;
  };
  await mustBecome(
    real,
    () => find() !== undefined,
    "P9",
    `a call of ${tool} reaches no provider with its caller's name`,
  );
  const asked = find() as Asked;
  answered.add(asked.request);
  return asked;
}

/** Requests that a command has dealt with. */
const answered = new WeakSet<ToolRequest>();

function answer({ provider, request }: Asked, output: string): void {
  const result = { id: request.call?.id ?? "", status: ToolStatus.TOOL_OK, output };
  provider.say({ case: "toolResponse", value: { ref: request.ref, result } });
}

const isOk = ({ status }: ToolResult): boolean => status === ToolStatus.TOOL_OK;

/** An agent calls a tool that nobody has, and is told so. */
export function callNobody(agent: number): BridgeCommand {
  const name = `${idOf(agent)} calls a tool that nobody has`;
  return command(
    name,
    (model) => model.isOnline(agent),
    async (model, real) => {
      const result = await mustEnd(real, call(real, agent, "nobody:has", (model.calls += 1)));
      const isFound = result.status !== ToolStatus.TOOL_NOT_FOUND || result.error?.code !== "NOT_FOUND";
      expectKept(!isFound, "P9", `a call of a tool that nobody has ends as ${nameOfStatus(result)}`);
    },
  );
}

/** An agent calls a tool, and exactly what its provider says, or fails to say, comes back, once. */
export function callTool(agent: number, tool: string, outcome: CallOutcome): BridgeCommand {
  const name = `${idOf(agent)} calls ${tool}: ${outcome}`;
  const isPossible = (model: { isOnline(agent: number): boolean; providers(tool: string): number[] }): boolean =>
    model.isOnline(agent) && model.providers(tool).some((provider) => outcome !== "leave" || provider !== agent);
  return command(name, isPossible, async (model, real) => {
    const ref = (model.calls += 1);
    const open = call(real, agent, tool, ref, outcome === "silence" ? shortMs : 0);
    const asked = await mustBeAsked(real, open.caller.agentId, tool);
    const expected = JSON.stringify(`answer ${ref}`);
    switch (outcome) {
      case "answer":
        answer(asked, expected);
        break;
      case "stranger":
        for (const [other, session] of real.sessions) {
          if (other !== asked.agent) answer({ ...asked, provider: session }, JSON.stringify("forged"));
        }
        await real.target.settle();
        answer(asked, expected);
        break;
      case "fail": {
        const result = { status: ToolStatus.TOOL_ERROR, error: { code: "OUT_OF_STOCK", message: "none left" } };
        asked.provider.say({ case: "toolResponse", value: { ref: asked.request.ref, result } });
        break;
      }
      case "nothing":
        asked.provider.say({ case: "toolResponse", value: { ref: asked.request.ref } });
        break;
      case "confused": {
        const result = { error: { code: "BROKEN", message: "an error without a status" } };
        asked.provider.say({ case: "toolResponse", value: { ref: asked.request.ref, result } });
        break;
      }
      case "cancel":
        open.caller.say({ case: "toolCancel", value: { ref, reason: "changed my mind" } });
        await mustBeCancelled(real, asked);
        break;
      case "leave":
        asked.provider.cut();
        real.sessions.delete(asked.agent);
        model.leave(asked.agent);
        // Whoever called and left needs no answer.
        if (asked.agent === agent) return;
        break;
      case "silence":
        break;
    }
    const isAnswered = outcome === "answer" || outcome === "stranger";
    // A call that was given up may end unsaid.
    if (outcome === "cancel") return;
    const result = await mustEnd(real, open);
    if (isAnswered) {
      expectKept(
        isOk(result) && result.output === expected,
        "P9",
        `the answer was ${expected}, and ${result.output} came`,
      );
    } else {
      expectKept(!isOk(result), "P9", `a call that had no result (${outcome}) ends as one that succeeded`);
      expectKept(result.error !== undefined, "P9", `a call that failed (${outcome}) ends without saying why`);
    }
    if (outcome === "fail") {
      const { code, message } = result.error ?? {};
      expectKept(
        code === "OUT_OF_STOCK" && message === "none left",
        "P9",
        `the error OUT_OF_STOCK arrives as ${code}: ${message}`,
      );
    }
    if (outcome === "silence") {
      expectKept(
        result.status === ToolStatus.TOOL_TIMEOUT,
        "P9",
        `a call past its time ends as ${nameOfStatus(result)}`,
      );
      await mustBeCancelled(real, asked);
      answer(asked, JSON.stringify("late"));
      await real.target.settle();
    }
    const { length } = open.caller.resultsOf(ref);
    expectKept(length === 1, "P9", `a call of ${tool} has ${length} results`);
  });
}

async function mustBeCancelled(real: Real, { provider, request }: Asked): Promise<void> {
  const isTold = (): boolean => provider.cancels.includes(request.ref);
  await mustBecome(real, isTold, "P9", `the provider of ${request.call?.name} is not told that its caller gave up`);
}

/** Two agents call the same tool with the same number, and each gets its own answer. */
export function callTogether(agents: readonly [number, number], tool: string): BridgeCommand {
  const name = `${idOf(agents[0])} and ${idOf(agents[1])} call ${tool} with the same number`;
  const [first, second] = agents;
  return command(
    name,
    (model) => first !== second && model.isOnline(first) && model.isOnline(second) && model.providers(tool).length > 0,
    async (model, real) => {
      const ref = (model.calls += 1);
      const asked: { open: OpenCall; asked: Asked }[] = [];
      for (const agent of agents) {
        const open = call(real, agent, tool, ref);
        asked.push({ open, asked: await mustBeAsked(real, open.caller.agentId, tool) });
      }
      // In the other order, so that neither the first nor the last is right by chance.
      for (const { open, asked: one } of asked.toReversed()) answer(one, JSON.stringify(`for ${open.caller.agentId}`));
      for (const { open } of asked) {
        const { output } = await mustEnd(real, open);
        const wanted = JSON.stringify(`for ${open.caller.agentId}`);
        expectKept(output === wanted, "P9", `${open.caller.agentId} gets ${output}, the answer to somebody else`);
      }
    },
  );
}

/** A unary call ends at its own time, however long its provider takes. */
export function callUnary(tool: string): BridgeCommand {
  return command(
    `a client calls ${tool} and its provider is silent`,
    (model) => model.providers(tool).length > 0,
    async (_, real) => {
      const client = createClient(ActionService, real.target.transport("unary"));
      let result: ToolResult | undefined;
      let error: unknown;
      client.forwardToolCall({ name: tool, arguments: "{}", timeoutMs: shortMs }).then(
        (answered) => (result = answered),
        (reason: unknown) => (error = reason),
      );
      // A client has no name among agents.
      const asked = await mustBeAsked(real, "", tool);
      const isOver = (): boolean => result !== undefined || error !== undefined;
      await mustBecome(real, isOver, "P9", `a call of ${shortMs} ms does not end in its time`, soonMs);
      expectKept(
        result?.status === ToolStatus.TOOL_TIMEOUT,
        "P9",
        "a unary call past its time does not end as a timeout",
      );
      await mustBeCancelled(real, asked);
    },
  );
}

function nameOfStatus({ status }: ToolResult): string {
  return Object.entries(ToolStatus).find(([, number]) => number === status)?.[0] ?? String(status);
}
