import { LoomError } from "@loom-bridge/protocol";

/** The agent is not running: it was not started, was stopped, or lost its stream. Nothing was sent. */
export class AgentClosedError extends LoomError {
  override name = "AgentClosedError";
  readonly agentId: string;

  constructor(agentId: string, problem: string, cause?: LoomError) {
    super(cause?.code ?? "failed_precondition", `agent ${JSON.stringify(agentId)} ${problem}`, {
      cause,
      retryable: cause?.retryable ?? false,
      details: { agentId, outcome: "NOT_SENT" },
    });
    this.agentId = agentId;
  }
}
