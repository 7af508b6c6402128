import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { type Agent, defineTool } from "@loom-bridge/client";
import {
  ActionService,
  AdminService,
  AgentService,
  BridgeService,
  MemoryService,
} from "@loom-bridge/protocol/messages";
import type { GrantsInit, PrincipalInit } from "@loom-bridge/server";
import { z } from "zod";
import { all, type GuardedWorld } from "./guarded-world.ts";

/** What the one who is tested may do: a little of everything. */
export const little: GrantsInit = {
  topics: { publish: ["own.**"], subscribe: { allow: ["own.**"], deny: ["own.secret.**"] } },
  tools: { call: ["own:*"], provide: ["own:*"] },
  memory: { read: ["{{agent}}/*", "shared"], write: ["{{agent}}/*"] },
};
export const principals: Record<string, PrincipalInit> = {
  boss: { subject: "boss", agentIds: ["*"], grants: all },
  own: { subject: "own", agentIds: ["own"], grants: little },
};

export async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "ok";
  } catch (error) {
    return Code[ConnectError.from(error).code];
  }
}

/** How a refusal reads, without what was asked for. */
export async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "it was allowed";
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return `${Code[code]}: ${rawMessage.replace(/"[^"]*"/, "…")}`;
  }
}

/** Clients of every service. */
export interface Services {
  readonly bridge: Client<typeof BridgeService>;
  readonly action: Client<typeof ActionService>;
  readonly agents: Client<typeof AgentService>;
  readonly memory: Client<typeof MemoryService>;
  readonly admin: Client<typeof AdminService>;
}

export function servicesOf(transport: Transport): Services {
  return {
    bridge: createClient(BridgeService, transport),
    action: createClient(ActionService, transport),
    agents: createClient(AgentService, transport),
    memory: createClient(MemoryService, transport),
    admin: createClient(AdminService, transport),
  };
}

/** Somebody who may do everything, hears everything, and has a tool for the other and one that is not for it. */
export async function startBoss(world: GuardedWorld): Promise<Agent> {
  const tools = ["own:echo", "other:secret"].map((name) =>
    defineTool({ name, description: "", input: z.object({}), run: () => name }),
  );
  return await world.agent("boss", { id: "boss", topics: ["**"], tools });
}
