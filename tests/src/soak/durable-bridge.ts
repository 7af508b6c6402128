import { join } from "node:path";
import {
  createBridge,
  createSqliteCallResults,
  createSqliteEventLog,
  createSqliteStore,
  serve,
} from "@loom-bridge/server";
import { createCountingRuntime } from "../counting-runtime.ts";
import { measureUsage } from "./usage.ts";

// node durable-bridge.ts <address> <folder> [events]
// A bridge that keeps events, so many of a topic, plans and results in files. Prints its address when it listens, lives
// until it is killed, and tells its parent what it holds.
const [address = "127.0.0.1:0", folder = "", events = "100000"] = process.argv.slice(2);
const runtime = createCountingRuntime();
// A subscriber may be away for as long as its longest wait while the others publish.
const limits = { topicMessages: Number(events), topicBytes: 134_217_728, totalBytes: 134_217_728 };
const memory = { path: join(folder, "memory.db"), runtime };
const bridge = createBridge({
  log: await createSqliteEventLog({ path: join(folder, "events.db"), runtime, limits }),
  store: await createSqliteStore(memory),
  callResults: await createSqliteCallResults(memory),
});
const server = await serve(bridge, { address });
process.once("SIGTERM", () => void server.close({ graceMs: 2000 }));
process.on("message", () => process.send?.({ ...measureUsage(), timers: runtime.pendingTimers }));
// Its parent is gone.
process.once("disconnect", () => process.exit());
// That its parent may ask keeps no bridge alive that was stopped.
process.channel?.unref();
process.stdout.write(`${server.address}\n`);
