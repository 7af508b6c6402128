import { agentSegment, LoomError, limits } from "@loom-bridge/protocol";
import { atMost } from "../at-most.ts";

const agentIdPattern = /^[A-Za-z0-9_.:@-]+$/;
/** What is left of a topic for the agent whose presence it tells. */
const segmentBytes = 200;

/** @throws LoomError `invalid_argument` that names the rule. */
export function checkAgentId(agentId: string): void {
  const bytes = Buffer.byteLength(agentId);
  if (bytes === 0) throw invalid("is empty; every agent needs an id");
  atMost(limits, { field: "agent_id", unit: "bytes", count: bytes, limit: "idBytes" });
  if (!agentIdPattern.test(agentId)) {
    throw invalid(`is ${JSON.stringify(agentId)}; only A-Z a-z 0-9 _ . : @ - are allowed`);
  }
  if (agentId === "__proto__") throw invalid("is __proto__, which harms programs that keep agents in an object");
  const { length } = agentSegment(agentId);
  if (length > segmentBytes) {
    throw invalid(`takes ${length} bytes in a topic, where each of . : @ takes 3; at most ${segmentBytes} are allowed`);
  }
}

function invalid(problem: string): LoomError {
  return new LoomError("invalid_argument", `agent_id ${problem}`, { details: { field: "agent_id" } });
}
