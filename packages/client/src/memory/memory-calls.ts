import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type CheckDuplicateRequestSchema,
  type CheckDuplicateResponse,
  type CheckExecutedRequestSchema,
  type CheckExecutedResponse,
  type ClaimExecutionRequestSchema,
  type ClaimExecutionResponse,
  type GetExecutionStatsRequestSchema,
  type GetExecutionStatsResponse,
  type GetRecentPlansRequestSchema,
  type GetRecentPlansResponse,
  type MarkExecutedRequestSchema,
  type MarkExecutedResponse,
  MemoryService,
  type ReleaseExecutionRequestSchema,
  type ReleaseExecutionResponse,
  type SavePlanRequestSchema,
  type SavePlanResponse,
} from "@loom-bridge/protocol/messages";
import type { CallOptions, Connection } from "../connection/connection.ts";

/** The calls of MemoryService, whose own words stand in memory.proto. */
export abstract class MemoryCalls {
  readonly #connection: Connection;

  protected constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Stores a plan; with `onlyIfNew`, unless the session has a duplicate of it. */
  savePlan(request: MessageInitShape<typeof SavePlanRequestSchema>, options?: CallOptions): Promise<SavePlanResponse> {
    return this.#connection.unary(MemoryService.method.savePlan, request, options);
  }

  /** Tells whether the session has a plan for the same symbol and action within the window. */
  checkDuplicate(
    request: MessageInitShape<typeof CheckDuplicateRequestSchema>,
    options?: CallOptions,
  ): Promise<CheckDuplicateResponse> {
    return this.#connection.unary(MemoryService.method.checkDuplicate, request, options);
  }

  /** The plans that were saved last, newest first. */
  getRecentPlans(
    request: MessageInitShape<typeof GetRecentPlansRequestSchema>,
    options?: CallOptions,
  ): Promise<GetRecentPlansResponse> {
    return this.#connection.unary(MemoryService.method.getRecentPlans, request, options);
  }

  /** Records an execution of a plan. Repeating it changes nothing. */
  markExecuted(
    request: MessageInitShape<typeof MarkExecutedRequestSchema>,
    options?: CallOptions,
  ): Promise<MarkExecutedResponse> {
    return this.#connection.unary(MemoryService.method.markExecuted, request, options);
  }

  /** Takes a plan to execute it, for a time. */
  claimExecution(
    request: MessageInitShape<typeof ClaimExecutionRequestSchema>,
    options?: CallOptions,
  ): Promise<ClaimExecutionResponse> {
    return this.#connection.unary(MemoryService.method.claimExecution, request, options);
  }

  /** Gives a claim back before its lease ends. */
  releaseExecution(
    request: MessageInitShape<typeof ReleaseExecutionRequestSchema>,
    options?: CallOptions,
  ): Promise<ReleaseExecutionResponse> {
    return this.#connection.unary(MemoryService.method.releaseExecution, request, options);
  }

  checkExecuted(
    request: MessageInitShape<typeof CheckExecutedRequestSchema>,
    options?: CallOptions,
  ): Promise<CheckExecutedResponse> {
    return this.#connection.unary(MemoryService.method.checkExecuted, request, options);
  }

  getExecutionStats(
    request: MessageInitShape<typeof GetExecutionStatsRequestSchema>,
    options?: CallOptions,
  ): Promise<GetExecutionStatsResponse> {
    return this.#connection.unary(MemoryService.method.getExecutionStats, request, options);
  }
}
