import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ExecutionRecord,
  ExecutionRecordSchema,
  PlanRecord,
  PlanRecordSchema,
} from "@loom-bridge/protocol/messages";
import type { Execution, Plan } from "../domain/memory/memory-store.ts";

/** A time stamp beyond 2^53 loses digits here; memory refuses any that large. */
export function toPlan(record: PlanRecord): Plan {
  return { ...record, timestampMs: Number(record.timestampMs) };
}

export function fromPlan(plan: Plan): MessageInitShape<typeof PlanRecordSchema> {
  return { ...plan, timestampMs: BigInt(plan.timestampMs), metadata: { ...plan.metadata } };
}

/** A time stamp beyond 2^53 loses digits here; memory refuses any that large. */
export function toExecution(record: ExecutionRecord): Execution {
  return { ...record, timestampMs: Number(record.timestampMs) };
}

export function fromExecution(execution: Execution): MessageInitShape<typeof ExecutionRecordSchema> {
  return { ...execution, timestampMs: BigInt(execution.timestampMs) };
}
