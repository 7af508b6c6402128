import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { Runtime } from "@loom-bridge/protocol";
import { createSqliteEventLog } from "../../stores/log/sqlite-event-log.ts";
import type { EventLog } from "./event-log.ts";

/** A log in a file whose process can be killed. */
export interface CrashingLog {
  /** Opens what a process that was killed now would leave, or an empty log. */
  open(runtime: Runtime): Promise<EventLog>;
}

const directory = mkdtempSync(join(tmpdir(), "crashing-log-"));
after(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;

export function createCrashingLog(positionDelayMs: number): CrashingLog {
  let last: { readonly log: EventLog; readonly path: string } | undefined;
  return {
    async open(runtime) {
      files += 1;
      const path = join(directory, `log-${files}.db`);
      // A copy of the files, made while the log is open, is what a killed process leaves.
      for (const suffix of last === undefined ? [] : ["", "-wal"]) {
        if (existsSync(last?.path + suffix)) copyFileSync(last?.path + suffix, path + suffix);
      }
      const before = last?.log;
      const log = await createSqliteEventLog({ path, runtime, positionDelayMs });
      last = { log, path };
      await before?.close();
      return log;
    },
  };
}
