import { type LoomError, NumberMap } from "@loom-bridge/protocol";
import type { Access } from "../access/access.ts";
import type { ToolInvocation, ToolOutcome } from "../tools/tool.ts";
import { toolFailures } from "../tools/tool-outcome.ts";
import type { StartedCall, ToolReply, ToolRunner } from "../tools/tool-runner.ts";
import type { ControlFrame } from "./control-frame.ts";

/** Runs an agent's tools over its session: a request goes out, and the agent's response to it comes back. */
export class AgentProvider implements ToolRunner {
  readonly kind = "agent";
  readonly id: string;
  readonly owner: string;
  readonly #send: (frame: ControlFrame) => void;
  readonly #open = new NumberMap<AgentCall>();
  #lastRef = 0;
  #lost = false;

  constructor(agentId: string, owner: string, send: (frame: ControlFrame) => void) {
    this.id = agentId;
    this.owner = owner;
    this.#send = send;
  }

  start(invocation: ToolInvocation, reply: ToolReply): StartedCall {
    this.#lastRef += 1;
    const call = new AgentCall(this.#lastRef, invocation.authority ?? [], reply, this);
    if (this.#lost) {
      reply.settle(toolFailures.providerLost(this.id));
      return call;
    }
    this.#open.set(call.ref, call);
    this.#send({ kind: "tool-request", ref: call.ref, invocation });
    return call;
  }

  /** Takes the agent's answer. Returns false when no such call is open: it was answered, cancelled or never made. */
  settle(ref: number, outcome: ToolOutcome): boolean {
    const call = this.#open.take(ref);
    call?.reply.settle(outcome);
    return call !== undefined;
  }

  /** For whom an open call is made; undefined when it is not open. */
  authorityOf(ref: number): readonly Access[] | undefined {
    return this.#open.get(ref)?.authority;
  }

  /** Tells the agent that nobody waits for a call any more, unless it has answered. */
  cancel(ref: number, reason: string): void {
    if (this.#open.take(ref) !== undefined) this.#send({ kind: "tool-cancel", ref, reason });
  }

  /** The agent is gone: every open call ends now. */
  lose(): void {
    this.#lost = true;
    const open = this.#open.values();
    this.#open.clear();
    for (const { reply } of open) reply.settle(toolFailures.providerLost(this.id));
  }
}

class AgentCall implements StartedCall {
  readonly ref: number;
  readonly authority: readonly Access[];
  readonly reply: ToolReply;
  readonly #provider: AgentProvider;

  constructor(ref: number, authority: readonly Access[], reply: ToolReply, provider: AgentProvider) {
    this.ref = ref;
    this.authority = authority;
    this.reply = reply;
    this.#provider = provider;
  }

  giveUp(reason: LoomError): void {
    this.#provider.cancel(this.ref, reason.message);
  }
}
