import { systemRuntime } from "@loom-bridge/protocol";
import { createBridge, createSqliteEventLog, serve } from "@loom-bridge/server";

// node durable-bridge.ts <address> <file>
// A bridge that keeps its events in a file. Prints its address when it listens, and lives until it is killed.
const [address = "127.0.0.1:0", path = ""] = process.argv.slice(2);
// A subscriber may be away for as long as its longest wait while the others publish.
const limits = { topicMessages: 100_000, topicBytes: 134_217_728, totalBytes: 134_217_728 };
const log = await createSqliteEventLog({ path, runtime: systemRuntime, limits });
const server = await serve(createBridge({ log }), { address });
process.once("SIGTERM", () => void server.close({ graceMs: 2000 }));
process.stdout.write(`${server.address}\n`);
