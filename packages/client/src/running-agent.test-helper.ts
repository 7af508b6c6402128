import { type MessageInitShape } from "@bufbuild/protobuf";
import type { AckSchema } from "@loom-bridge/protocol/messages";
import { type Agent, createAgent } from "./agent.ts";
import type { AgentOptions } from "./agent-options.ts";
import { FakeRuntime } from "./fake-runtime.test-helper.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { ScriptedBridge, type ScriptedStream } from "./scripted-bridge.test-helper.ts";

export interface RunningAgent {
  readonly agent: Agent;
  /** Where the agent comes back to when its stream was lost. */
  readonly bridge: ScriptedBridge;
  readonly stream: ScriptedStream;
  readonly runtime: FakeRuntime;
  readonly errors: unknown[];
  /** The facts of what was logged as a warning. */
  readonly warnings: unknown[];
}

/** An agent that has registered with a scripted bridge, on a clock that stands still. */
export async function startAgent(
  options: Partial<AgentOptions> = {},
  ack: MessageInitShape<typeof AckSchema> = {},
): Promise<RunningAgent> {
  const bridge = new ScriptedBridge();
  const runtime = new FakeRuntime();
  const errors: unknown[] = [];
  const warnings: unknown[] = [];
  const logger: Logger = { ...silentLogger, warn: (_message, facts) => warnings.push(facts) };
  const agent = createAgent({
    id: "me",
    client: { transport: bridge.transport(), runtime, logger },
    onError: (error) => errors.push(error),
    ...options,
  });
  const [stream] = await Promise.all([bridge.acceptAgent(ack), agent.start()]);
  return { agent, bridge, stream, runtime, errors, warnings };
}
