import { describeEventLog } from "./event-log-contract.test-helper.ts";
import { createInMemoryEventLog } from "./in-memory-event-log.ts";

describeEventLog("memory", async (runtime, limits) => createInMemoryEventLog({ runtime, limits }));
