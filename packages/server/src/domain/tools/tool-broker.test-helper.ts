import assert from "node:assert/strict";
import { type ErrorCode, LoomError } from "@loom-bridge/protocol";
import { createTypeboxCompiler } from "../../schema/typebox-compiler.ts";
import { createInMemoryCallResults } from "../../stores/call-results/in-memory-call-results.ts";
import { createJournal, type Journal } from "../journal/journal.ts";
import { silentLogger } from "../logger.ts";
import { createManualRuntime, type ManualRuntime } from "../manual-runtime.ts";
import type { CallResultStore } from "./call-result-store.ts";
import type { ToolEffect, ToolInvocation, ToolOutcome, ToolProvider } from "./tool.ts";
import { createToolBroker, type ToolBroker } from "./tool-broker.ts";
import type { ToolCallRequest, ToolCallResult } from "./tool-call.ts";
import type { ToolLimits } from "./tool-limits.ts";
import { createToolRegistry, type ToolRegistration, type ToolRegistry } from "./tool-registry.ts";
import type { ToolStatistics } from "./tool-statistics.ts";

export interface OpenCall {
  readonly invocation: ToolInvocation;
  readonly signal: AbortSignal;
  readonly settle: (outcome: ToolOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export interface AddedProvider {
  readonly calls: OpenCall[];
  readonly registration: ToolRegistration;
}

/** A broker on a clock of its own, with providers of a tool "t" that answer when the test says so. */
export interface BrokerBench {
  readonly runtime: ManualRuntime;
  readonly registry: ToolRegistry;
  readonly broker: ToolBroker;
  readonly journal: Journal;
  /** What was logged as an error. */
  readonly errors: unknown[];
  add(id: string, parametersSchema?: string, kind?: ToolProvider["kind"], effect?: ToolEffect): AddedProvider;
  call(request?: Partial<ToolCallRequest>, signal?: AbortSignal): Promise<ToolCallResult>;
  statistics(): ToolStatistics | undefined;
}

export function createBrokerBench(
  limits: Partial<ToolLimits> = {},
  results: CallResultStore = createInMemoryCallResults(),
): BrokerBench {
  const runtime = createManualRuntime();
  const errors: unknown[] = [];
  const registry = createToolRegistry({ compiler: createTypeboxCompiler() });
  const logger = {
    ...silentLogger,
    error: (_: string, facts?: Record<string, unknown>) => void errors.push(facts?.["error"]),
  };
  const journal = createJournal(runtime);
  const broker = createToolBroker({ registry, runtime, logger, journal, limits, results });
  return {
    runtime,
    registry,
    broker,
    journal,
    errors,
    add(id, parametersSchema = "", kind = "agent", effect = "once") {
      const calls: OpenCall[] = [];
      const call: ToolProvider["call"] = (invocation, signal) =>
        new Promise((settle, reject) => {
          calls.push({ invocation, signal, settle, reject });
        });
      const descriptor = { name: "t", description: "", parametersSchema, metadata: {}, effect };
      return { calls, registration: registry.register({ kind, id, call }, [descriptor]) };
    },
    call(request = {}, signal) {
      const defaults = {
        id: "",
        name: "t",
        arguments: "",
        timeoutMs: 0,
        headers: {},
        correlationId: "",
        idempotencyKey: "",
        chain: undefined,
        caller: "me",
      };
      return broker.call({ ...defaults, ...request }, signal);
    },
    statistics: () => broker.statistics().get("t"),
  };
}

export function ok(output = "1"): ToolOutcome {
  return { status: "ok", output };
}

export function codeOf(outcome: ToolOutcome): string {
  return outcome.status === "ok" ? "ok" : `${outcome.status} ${outcome.code}`;
}

export async function refused(promise: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(
    promise,
    (error) => LoomError.isInstance(error) && error.code === code && message.test(error.message),
  );
}
