import { LoomError, type Runtime } from "@loom-bridge/protocol";
import type { Breaches } from "../breaches.ts";
import { type Chain, extendChain } from "../chain.ts";
import { type Journal, silentJournal } from "../journal/journal.ts";
import type { Logger } from "../logger.ts";
import { createCallMemory, fingerprintOf } from "./call-memory.ts";
import type { CallResultStore } from "./call-result-store.ts";
import type { CallSignal } from "./call-signal.ts";
import { effectOf } from "./effect-of.ts";
import { createIdempotentCalls } from "./idempotent-calls.ts";
import { repeatRun } from "./repeated-run.ts";
import { createSharedRun, type SharedRun } from "./shared-run.ts";
import type { ToolInvocation, ToolOutcome } from "./tool.ts";
import { parseToolArguments } from "./tool-arguments.ts";
import { checkToolCall, type ToolCallRequest, type ToolCallResult } from "./tool-call.ts";
import { defaultToolLimits, type ToolLimits } from "./tool-limits.ts";
import { problemWithOutput, refusedCall, type ToolFailureOutcome, toolFailures } from "./tool-outcome.ts";
import type { RegisteredTool, ToolRegistry, ToolSeat } from "./tool-registry.ts";
import { outcomeOf, promisedRun, startToolRun, type ToolRun, type ToolRunOwner } from "./tool-run.ts";
import { countOutcome, createToolStatistics, type ToolCounts, type ToolStatistics } from "./tool-statistics.ts";

/** How many tools have statistics; more than that were hardly all called. */
const maxCountedTools = 4096;

export interface ToolBrokerOptions {
  readonly registry: ToolRegistry;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Notes what happens to calls. Default: nothing does. */
  readonly journal?: Journal;
  /** Counts the limits that calls meet. Default: nothing does. */
  readonly breaches?: Breaches;
  /** Keeps the results of calls with idempotency keys. */
  readonly results: CallResultStore;
  readonly limits?: Partial<ToolLimits> | undefined;
}

/** Brings calls to the providers of tools and exactly one outcome back. */
export interface ToolBroker {
  /**
   * Calls a tool. What goes wrong with the tool is an outcome; what is wrong with the call itself is an error. An
   * aborted `signal` ends the call as CANCELLED. A repeated id joins the open call, whose time is that of the first
   * request, or gets its outcome again. So does a repeated idempotency key, whoever calls with the same credentials; with one, ids name nothing.
   * When nobody knows what came of the call with the key, only a tool that may run twice runs again.
   * @throws LoomError `invalid_argument` (id, timeout, headers), `failed_precondition` (the id or the key was
   * used for another call, or the tool is not the one that was pinned), `resource_exhausted` (a limit of open calls; retryable).
   */
  call(request: ToolCallRequest, signal?: CallSignal): Promise<ToolCallResult>;
  /** By tool name. */
  statistics(): ReadonlyMap<string, ToolStatistics>;
}

export function createToolBroker(options: ToolBrokerOptions): ToolBroker {
  const { registry, runtime, logger, journal = silentJournal, breaches } = options;
  const limits: ToolLimits = { ...defaultToolLimits, ...options.limits };
  const statistics = createToolStatistics(maxCountedTools);
  const memory = createCallMemory<SharedRun>({
    runtime,
    keepMs: limits.repeatMs,
    maxEntries: limits.repeatEntries,
    maxBytes: limits.repeatBytes,
  });
  const idempotent = createIdempotentCalls({ store: options.results, runtime, logger });
  let inFlight = 0;

  const start = (
    request: ToolCallRequest,
    id: string,
    timeoutMs: number,
    keep?: (outcome: ToolOutcome) => Promise<ToolOutcome>,
  ): SharedRun | ToolFailureOutcome => {
    const { name } = request;
    const tool = registry.get(name);
    if (tool === undefined) return toolFailures.notFound(name);
    checkPin(request, tool);
    const counts = statistics.of(name);
    const refused = checkArguments(request.arguments, tool, limits.argumentsBytes);
    if (refused !== undefined) {
      counts.calls += 1;
      counts.errors += 1;
      countLimit(refused);
      return refused;
    }
    const chain = request.chain && extendChain(request.chain, `${request.caller || "somebody"} > ${name}`);
    const seat = leastBusy(tool.seats, counts.calls);
    checkRoom(name, seat, counts);
    counts.calls += 1;
    counts.inFlight += 1;
    inFlight += 1;
    const startOne = (at: ToolSeat, leftMs: number): ToolRun =>
      startAt(at, request, { id, chain, timeoutMs: leftMs }, counts);
    const first = startOne(seat, timeoutMs);
    const run = mayRepeat(tool, request) ? repeated(first, request, timeoutMs, startOne) : first;
    const finished = (outcome: ToolOutcome): void => {
      counts.inFlight -= 1;
      inFlight -= 1;
      countOutcome(counts, outcome);
    };
    return createSharedRun(keep === undefined ? run : promisedRun(outcomeOf(run).then(keep), run.cancel), finished);
  };

  /** Not where it is used: a function makes what its closures see, also when it does not come to them. */
  const repeated = (
    first: ToolRun,
    request: ToolCallRequest,
    timeoutMs: number,
    startOne: (seat: ToolSeat, leftMs: number) => ToolRun,
  ): ToolRun => {
    const again = (lost: ToolOutcome, remainingMs: number): ToolRun | undefined => {
      const next = anotherSeat(request, lost);
      return next && startOne(next, remainingMs);
    };
    return repeatRun({ runtime, timeoutMs, first, again });
  };

  const countLimit = ({ details }: ToolFailureOutcome): void => {
    if (details?.["limit"] !== undefined) breaches?.count(details["limit"]);
  };
  const runs: ToolRunOwner = {
    runtime,
    check(outcome) {
      // What an agent found too large itself is as large. Its other words name nothing here.
      if (outcome.status !== "ok" && outcome.code === "RESULT_TOO_LARGE") breaches?.count("outputBytes");
      const problem = outcome.status === "ok" ? problemWithOutput(outcome.output, limits.outputBytes) : undefined;
      if (problem !== undefined) countLimit(problem);
      return problem ?? outcome;
    },
    onDefect: ({ seat, invocation: { name: tool, id } }, error) =>
      logger.error("a tool's provider failed", { tool, provider: seat.provider.id, id, error }),
    onLateResult({ seat, invocation: { name: tool, id }, counts }) {
      counts.lateResults += 1;
      logger.debug("a tool's result came late", { tool, provider: seat.provider.id, id });
    },
  };

  const startAt = (
    seat: ToolSeat,
    request: ToolCallRequest,
    { id, chain, timeoutMs }: Pick<ToolInvocation, "id" | "chain" | "timeoutMs">,
    counts: ToolCounts,
  ): ToolRun => {
    const { name, headers, correlationId, caller, idempotencyKey = "", authority = [] } = request;
    const provider = seat.provider.id;
    journal.record("called", id, provider, name, caller === "" ? "" : { by: caller });
    const invocation: ToolInvocation = {
      id,
      name,
      arguments: request.arguments || "{}",
      timeoutMs,
      headers,
      correlationId,
      caller,
      authority,
      idempotencyKey,
      chain: withTime(chain, timeoutMs),
    };
    return startToolRun({ seat, invocation, counts }, runs);
  };

  /** Where a call can run once more: with a provider that was not lost, if there is one, and has room. */
  const anotherSeat = (request: ToolCallRequest, lost: ToolOutcome): ToolSeat | undefined => {
    const tool = registry.get(request.name);
    // Whoever provides it now may describe it otherwise.
    if (tool === undefined || !mayRepeat(tool, request) || !isAsPinned(request, tool)) return undefined;
    if (checkArguments(request.arguments, tool, limits.argumentsBytes) !== undefined) return undefined;
    const lostProvider = lost.status === "ok" ? undefined : lost.details?.["provider"];
    const others = tool.seats.filter(({ provider }) => provider.id !== lostProvider);
    const seats = (others.length > 0 ? others : tool.seats).filter(hasRoom);
    return seats.length === 0 ? undefined : leastBusy(seats, 0);
  };
  const hasRoom = ({ provider, openCalls }: ToolSeat): boolean =>
    provider.kind !== "agent" || openCalls.size < limits.inFlightPerAgent;

  const checkRoom = (tool: string, seat: ToolSeat, counts: ToolCounts): void => {
    if (inFlight >= limits.inFlight) throw exhausted("inFlight", "the bridge", limits.inFlight);
    if (counts.inFlight >= limits.inFlightPerTool) {
      throw exhausted("inFlightPerTool", `tool "${tool}"`, limits.inFlightPerTool);
    }
    if (!hasRoom(seat)) {
      throw exhausted("inFlightPerAgent", `agent "${seat.provider.id}"`, limits.inFlightPerAgent);
    }
  };

  const call = (
    request: ToolCallRequest,
    id: string,
    timeoutMs: number,
    signal: CallSignal | undefined,
  ): ToolOutcome | Promise<ToolOutcome> => {
    const key = keyOf(request);
    if (key !== "") {
      if (signal?.aborted) return toolFailures.cancelled(false);
      const tool = registry.get(request.name);
      return idempotent.run(
        {
          key,
          fingerprint: fingerprintOf(request),
          mayRepeat: tool !== undefined && effectOf(tool.descriptor) !== "once",
          start: (keep) => start(request, id, timeoutMs, keep),
          onDuplicate: () => journal.record("duplicate", id, request.caller, request.name, "its key was used before"),
        },
        signal,
      );
    }
    const found = request.id === "" ? undefined : memory.find(request);
    if (found !== undefined) {
      journal.record("duplicate", id, request.caller, request.name, "called before");
      return "open" in found ? found.open.wait(signal) : found.outcome;
    }
    if (signal?.aborted) return toolFailures.cancelled(false);
    const started = start(request, id, timeoutMs);
    if ("status" in started) return started;
    // Only a tool that was started may not run again; a call that was refused may be repeated.
    if (request.id !== "") started.onEnd(memory.begin(request, started));
    return started.wait(signal);
  };

  return {
    async call(request, signal) {
      try {
        const timeoutMs = checkToolCall(request, limits.maxToolTimeoutMs);
        const id = request.id || runtime.uuid();
        const outcome = await call(request, id, timeoutMs, signal);
        journal.record("answered", id, request.caller, request.name, describeOutcome(outcome));
        return { id, outcome };
      } catch (error) {
        const refused = refusedCall(error);
        breaches?.countError(refused);
        if (LoomError.isInstance(refused)) {
          journal.record("refused", request.id, request.caller, request.name, refused.message);
        }
        throw refused;
      }
    },
    statistics: () => statistics.snapshot(),
  };
}

/** What a result is kept under. A key holds no control character, so nobody meets another's. */
function keyOf({ idempotencyKey = "", principal = "" }: ToolCallRequest): string {
  return idempotencyKey === "" || principal === "" ? idempotencyKey : `${principal}\0${idempotencyKey}`;
}

function isAsPinned({ toolHash = "" }: ToolCallRequest, { hash }: RegisteredTool): boolean {
  return toolHash === "" || toolHash === hash;
}

function checkPin(request: ToolCallRequest, tool: RegisteredTool): void {
  if (isAsPinned(request, tool)) return;
  const message = `tool "${request.name}" is not described as it was when it was pinned; look at it again before you call it`;
  throw new LoomError("failed_precondition", message, {
    details: { field: "tool_hash", tool: request.name, hash: tool.hash },
  });
}

function describeOutcome(outcome: ToolOutcome): string {
  return outcome.status === "ok" ? "ok" : `${outcome.code}: ${outcome.message}`;
}

function checkArguments(text: string, tool: RegisteredTool, maxBytes: number): ToolFailureOutcome | undefined {
  const { schema } = tool;
  const { value, harm } = parseToolArguments(text, maxBytes, schema !== undefined);
  if (harm !== undefined) return toolFailures.invalidArguments(harm);
  const problems = schema?.check(value, text.length) ?? [];
  if (problems.length === 0) return undefined;
  const problem = problems.map(({ path, message }) => (path === "" ? message : `${path} ${message}`)).join("; ");
  return toolFailures.invalidArguments({ problem });
}

/** Whether a call whose provider was lost may run once more. */
function mayRepeat({ descriptor }: RegisteredTool, { idempotencyKey = "" }: ToolCallRequest): boolean {
  const effect = effectOf(descriptor);
  return effect === "read" || (effect === "idempotent" && idempotencyKey !== "");
}

/** A chain with a limit of time has no more of it than the call. */
function withTime(chain: Chain | undefined, timeoutMs: number): Chain | undefined {
  return chain === undefined || chain.remainingMs <= 0 ? chain : { ...chain, remainingMs: timeoutMs };
}

/** The provider with the fewest open calls; among equals, each in its turn. */
function leastBusy(seats: readonly ToolSeat[], turn: number): ToolSeat {
  if (seats.length === 1) return seats[0] as ToolSeat;
  const inTurn = seats.map((_, index) => seats[(index + turn) % seats.length] as ToolSeat);
  return inTurn.reduce((best, seat) => (seat.openCalls.size < best.openCalls.size ? seat : best));
}

function exhausted(limit: string, owner: string, value: number): LoomError {
  return new LoomError("resource_exhausted", `${owner} has ${value} calls open, the limit ${limit}; call again later`, {
    retryable: true,
    details: { limit, value: String(value) },
  });
}
