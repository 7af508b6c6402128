import type { Access } from "../access/access.ts";
import type { ToolInvocation, ToolOutcome, ToolProvider } from "../tools/tool.ts";
import { toolFailures } from "../tools/tool-outcome.ts";
import type { ControlFrame } from "./control-frame.ts";

interface OpenCall {
  readonly finish: (outcome: ToolOutcome) => void;
  readonly authority: readonly Access[];
}

/** Runs an agent's tools over its session: a request goes out, and the agent's response to it comes back. */
export class AgentProvider implements ToolProvider {
  readonly kind = "agent";
  readonly id: string;
  readonly owner: string;
  readonly #send: (frame: ControlFrame) => void;
  readonly #open = new Map<number, OpenCall>();
  #lastRef = 0;
  #lost = false;

  constructor(agentId: string, owner: string, send: (frame: ControlFrame) => void) {
    this.id = agentId;
    this.owner = owner;
    this.#send = send;
  }

  call(invocation: ToolInvocation, signal: AbortSignal): Promise<ToolOutcome> {
    if (this.#lost) return Promise.resolve(toolFailures.providerLost(this.id));
    this.#lastRef += 1;
    const ref = this.#lastRef;
    return new Promise((resolve) => {
      const onAbort = (): void => {
        this.#send({ kind: "tool-cancel", ref, reason: String(signal.reason?.message ?? "the caller gave up") });
        finish(toolFailures.cancelled(true));
      };
      const finish = (outcome: ToolOutcome): void => {
        signal.removeEventListener("abort", onAbort);
        this.#open.delete(ref);
        resolve(outcome);
      };
      this.#open.set(ref, { finish, authority: invocation.authority ?? [] });
      signal.addEventListener("abort", onAbort);
      this.#send({ kind: "tool-request", ref, invocation });
    });
  }

  /** Takes the agent's answer. Returns false when no such call is open: it was answered, cancelled or never made. */
  settle(ref: number, outcome: ToolOutcome): boolean {
    const open = this.#open.get(ref);
    open?.finish(outcome);
    return open !== undefined;
  }

  /** For whom an open call is made; undefined when it is not open. */
  authorityOf(ref: number): readonly Access[] | undefined {
    return this.#open.get(ref)?.authority;
  }

  /** The agent is gone: every open call ends now. */
  lose(): void {
    this.#lost = true;
    for (const { finish } of [...this.#open.values()]) finish(toolFailures.providerLost(this.id));
  }
}
