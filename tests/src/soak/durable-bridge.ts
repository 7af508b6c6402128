import { join } from "node:path";
import { systemRuntime } from "@loom-bridge/protocol";
import {
  createBridge,
  createSqliteCallResults,
  createSqliteEventLog,
  createSqliteStore,
  serve,
} from "@loom-bridge/server";

// node durable-bridge.ts <address> <folder>
// A bridge that keeps events, plans and results in files. Prints its address when it listens, and lives until it is
// killed.
const [address = "127.0.0.1:0", folder = ""] = process.argv.slice(2);
const runtime = systemRuntime;
// A subscriber may be away for as long as its longest wait while the others publish.
const limits = { topicMessages: 100_000, topicBytes: 134_217_728, totalBytes: 134_217_728 };
const memory = { path: join(folder, "memory.db"), runtime };
const bridge = createBridge({
  log: await createSqliteEventLog({ path: join(folder, "events.db"), runtime, limits }),
  store: await createSqliteStore(memory),
  callResults: await createSqliteCallResults(memory),
});
const server = await serve(bridge, { address });
process.once("SIGTERM", () => void server.close({ graceMs: 2000 }));
process.stdout.write(`${server.address}\n`);
