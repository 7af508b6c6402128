import { explainCall } from "./explain-call.ts";
import { type Finding, ok, type Patient } from "./finding.ts";

/** Does memory answer? Asks for something that is not there, and so leaves nothing behind. */
export async function checkMemory({ remote, runtime, timeoutMs }: Patient): Promise<Finding> {
  try {
    const startedMs = runtime.monotonic();
    await remote.memory.checkExecuted({ sessionId: "loom-bridge-doctor", planHash: "doctor" }, { timeoutMs });
    return ok(`memory answers in ${(runtime.monotonic() - startedMs).toFixed(1)} ms`);
  } catch (error) {
    return explainCall(error, timeoutMs);
  }
}
