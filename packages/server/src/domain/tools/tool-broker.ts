import { LoomError, type Runtime } from "@loom-bridge/protocol";
import type { Logger } from "../logger.ts";
import { createCallMemory } from "./call-memory.ts";
import { createSharedRun, type SharedRun } from "./shared-run.ts";
import type { ToolOutcome } from "./tool.ts";
import { parseToolArguments } from "./tool-arguments.ts";
import { checkToolCall, type ToolCallRequest, type ToolCallResult } from "./tool-call.ts";
import { type ToolFailureOutcome, toolFailures } from "./tool-outcome.ts";
import type { RegisteredTool, ToolRegistry, ToolSeat } from "./tool-registry.ts";
import { startToolRun } from "./tool-run.ts";
import { countOutcome, createToolStatistics, type ToolCounts, type ToolStatistics } from "./tool-statistics.ts";

export interface ToolBrokerLimits {
  /** Open calls that one agent may have as a provider. Default: 64, so that it is not buried. */
  readonly inFlightPerAgent: number;
  /** Open calls of one tool. Default: 256. */
  readonly inFlightPerTool: number;
  /** Open calls of the bridge. Default: 4096. */
  readonly inFlight: number;
  /** How long the outcome of a named call is kept, in milliseconds. Default: 120 000. */
  readonly repeatMs: number;
  /** Kept outcomes. Default: 10 000. */
  readonly repeatEntries: number;
  /** Kept outcomes, in bytes. Default: 32 MiB. */
  readonly repeatBytes: number;
}

const defaultLimits: ToolBrokerLimits = {
  inFlightPerAgent: 64,
  inFlightPerTool: 256,
  inFlight: 4096,
  repeatMs: 120_000,
  repeatEntries: 10_000,
  repeatBytes: 32 * 1024 * 1024,
};

/** How many tools have statistics; more than that were hardly all called. */
const maxCountedTools = 4096;

export interface ToolBrokerOptions {
  readonly registry: ToolRegistry;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly limits?: Partial<ToolBrokerLimits>;
}

/** Brings calls to the providers of tools and exactly one outcome back. */
export interface ToolBroker {
  /**
   * Calls a tool. What goes wrong with the tool is an outcome; what is wrong with the call itself is an error. An
   * aborted `signal` ends the call as CANCELLED. A repeated id joins the open call, whose time is that of the first
   * request, or gets its outcome again.
   * @throws LoomError `invalid_argument` (id, timeout, headers), `failed_precondition` (the id was used for another
   * call), `resource_exhausted` (a limit of open calls; retryable).
   */
  call(request: ToolCallRequest, signal?: AbortSignal): Promise<ToolCallResult>;
  /** By tool name. */
  statistics(): ReadonlyMap<string, ToolStatistics>;
}

export function createToolBroker(options: ToolBrokerOptions): ToolBroker {
  const { registry, runtime, logger } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const statistics = createToolStatistics(maxCountedTools);
  const memory = createCallMemory<SharedRun>({
    runtime,
    keepMs: limits.repeatMs,
    maxEntries: limits.repeatEntries,
    maxBytes: limits.repeatBytes,
  });
  let inFlight = 0;

  const start = (request: ToolCallRequest, id: string, timeoutMs: number): SharedRun | ToolFailureOutcome => {
    const { name, headers, correlationId, caller } = request;
    const tool = registry.get(name);
    if (tool === undefined) return toolFailures.notFound(name);
    const counts = statistics.of(name);
    const problem = problemWithArguments(request.arguments, tool);
    if (problem !== undefined) {
      counts.calls += 1;
      counts.errors += 1;
      return toolFailures.invalidArguments(problem);
    }
    const seat = leastBusy(tool.seats, counts.calls);
    checkRoom(name, seat, counts);
    counts.calls += 1;
    counts.inFlight += 1;
    inFlight += 1;
    const run = startToolRun({
      seat,
      invocation: { id, name, arguments: request.arguments || "{}", timeoutMs, headers, correlationId, caller },
      runtime,
      onDefect: (error) =>
        logger.error("a tool's provider failed", { tool: name, provider: seat.provider.id, id, error }),
      onLateResult() {
        counts.lateResults += 1;
        logger.debug("a tool's result came late", { tool: name, provider: seat.provider.id, id });
      },
    });
    const finished = (outcome: ToolOutcome): void => {
      counts.inFlight -= 1;
      inFlight -= 1;
      countOutcome(counts, outcome);
    };
    return createSharedRun(run, finished);
  };

  const checkRoom = (tool: string, { provider, openCalls }: ToolSeat, counts: ToolCounts): void => {
    if (inFlight >= limits.inFlight) throw exhausted("inFlight", "the bridge", limits.inFlight);
    if (counts.inFlight >= limits.inFlightPerTool) {
      throw exhausted("inFlightPerTool", `tool "${tool}"`, limits.inFlightPerTool);
    }
    if (provider.kind === "agent" && openCalls.size >= limits.inFlightPerAgent) {
      throw exhausted("inFlightPerAgent", `agent "${provider.id}"`, limits.inFlightPerAgent);
    }
  };

  return {
    async call(request, signal) {
      const timeoutMs = checkToolCall(request);
      const found = request.id === "" ? undefined : memory.find(request);
      const id = request.id || runtime.uuid();
      if (found !== undefined) {
        return { id, outcome: "open" in found ? await found.open.wait(signal) : found.outcome };
      }
      if (signal?.aborted) return { id, outcome: toolFailures.cancelled() };
      const started = start(request, id, timeoutMs);
      if ("status" in started) return { id, outcome: started };
      // Only a tool that was started may not run again; a call that was refused may be repeated.
      if (request.id !== "") started.onEnd(memory.begin(request, started));
      return { id, outcome: await started.wait(signal) };
    },
    statistics: () => statistics.snapshot(),
  };
}

function problemWithArguments(text: string, tool: RegisteredTool): string | undefined {
  const { value, problem } = parseToolArguments(text);
  if (problem !== undefined) return problem;
  const problems = tool.schema?.check(value) ?? [];
  return problems.map(({ path, message }) => (path === "" ? message : `${path} ${message}`)).join("; ") || undefined;
}

/** The provider with the fewest open calls; among equals, each in its turn. */
function leastBusy(seats: readonly ToolSeat[], turn: number): ToolSeat {
  const inTurn = seats.map((_, index) => seats[(index + turn) % seats.length] as ToolSeat);
  return inTurn.reduce((best, seat) => (seat.openCalls.size < best.openCalls.size ? seat : best));
}

function exhausted(limit: string, owner: string, value: number): LoomError {
  return new LoomError("resource_exhausted", `${owner} has ${value} calls open, the limit ${limit}; call again later`, {
    retryable: true,
    details: { limit, value: String(value) },
  });
}
