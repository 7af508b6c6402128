import { createContext, Script } from "node:vm";

/** Work took longer than it may, and was stopped in the middle. */
export class TimeBudgetExceeded extends Error {
  override readonly name = "TimeBudgetExceeded";
  readonly budgetMs: number;

  constructor(budgetMs: number) {
    super(`it takes longer than ${budgetMs} ms`);
    this.budgetMs = budgetMs;
  }
}

const work: { run?: () => unknown } = {};
const script = new Script("run()");
let context: ReturnType<typeof createContext> | undefined;

/** How often work is begun anew that was stopped while others had the processor. */
const maxAttempts = 5;

/**
 * Runs work, and stops it when it takes too long: a regular expression and a loop alike. This is no sandbox; of `vm`
 * only its watchdog is wanted, which is the one way to stop work in this thread. Costs about 0.14 ms. The watchdog goes by the clock, so
 * work that was stopped on a busy machine before it had its time is done again: it must not change anything.
 * https://nodejs.org/api/vm.html#scriptrunincontextcontextifiedobject-options
 * @throws TimeBudgetExceeded
 */
export function withinBudget<T>(budgetMs: number, run: () => T): T {
  context ??= createContext(work);
  work.run = run;
  try {
    for (let attempt = 1; ; attempt += 1) {
      const before = process.cpuUsage();
      try {
        return script.runInContext(context, { timeout: budgetMs }) as T;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
        const { user, system } = process.cpuUsage(before);
        if (attempt >= maxAttempts || (user + system) / 1000 >= budgetMs / 2) throw new TimeBudgetExceeded(budgetMs);
      }
    }
  } finally {
    delete work.run;
  }
}
