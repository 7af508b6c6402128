import type { Execution, ExecutionCounts } from "../../domain/memory/memory-store.ts";

/** The executions and attempts of one session. */
export class SessionExecutions {
  /** Oldest stored first. */
  readonly #records: Execution[] = [];
  /** By plan hash; a Map keeps the order of storing. */
  readonly #executions = new Map<string, Execution>();

  /** How many records there are of the kind: executions or attempts. */
  size(executed: boolean): number {
    return executed ? this.#executions.size : this.#records.length - this.#executions.size;
  }

  /** The record that the next eviction of the kind takes. */
  oldest(executed: boolean): Execution | undefined {
    return this.#records.find((record) => record.executed === executed);
  }

  find(planHash: string): Execution | undefined {
    return this.#executions.get(planHash);
  }

  add(execution: Execution): void {
    this.#records.push(execution);
    if (execution.executed) this.#executions.set(execution.planHash, execution);
  }

  evictOldest(executed: boolean): void {
    const index = this.#records.findIndex((record) => record.executed === executed);
    const [record] = index < 0 ? [] : this.#records.splice(index, 1);
    if (record?.executed === true) this.#executions.delete(record.planHash);
  }

  counts(symbol: string | undefined, recentLimit: number): Omit<ExecutionCounts, "duplicatesPrevented"> {
    const records =
      symbol === undefined ? this.#records : this.#records.filter((execution) => execution.symbol === symbol);
    const withStatus = (status: string): number => records.filter((execution) => execution.status === status).length;
    return {
      total: records.length,
      successful: withStatus("success"),
      failed: withStatus("error"),
      recent: records.slice(-recentLimit).reverse(),
    };
  }
}
