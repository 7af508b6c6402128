import { join, parse } from "node:path";
import type { Runtime } from "@loom-bridge/protocol";
import type { Config } from "../../config/config-schema.ts";
import type { EventLog } from "../../domain/log/event-log.ts";
import type { Logger } from "../../domain/logger.ts";
import type { MemoryStore } from "../../domain/memory/memory-store.ts";
import type { CallResultStore } from "../../domain/tools/call-result-store.ts";
import type { SpaceStores } from "../../spaces.ts";
import { createInMemoryCallResults } from "../../stores/call-results/in-memory-call-results.ts";
import { createInMemoryEventLog } from "../../stores/log/in-memory-event-log.ts";
import { createInMemoryStore } from "../../stores/memory/in-memory-store.ts";

interface Source {
  readonly config: Config;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/**
 * Returns what opens the stores that the configuration wants, for one tenant; empty for the default one. A tenant's files
 * are its own: they are backed up, moved and deleted by themselves.
 */
export function createStoreOpener(
  config: Config,
  about: Omit<Source, "config">,
): (tenant: string) => Promise<Required<SpaceStores>> {
  const source = { config, ...about };
  return async (tenant) => ({
    store: await openStore(source, tenant),
    callResults: await openCallResults(source, tenant),
    log: await openEventLog(source, tenant),
  });
}

/** `plans.db` of the tenant `acme` is `plans.acme.db`. */
function fileOf(path: string, tenant: string): string {
  if (tenant === "") return path;
  const { dir, name, ext } = parse(path);
  return join(dir, `${name}.${tenant}${ext}`);
}

async function openStore({ config, runtime }: Source, tenant: string): Promise<MemoryStore> {
  const capacity = {
    sessions: config["memory.sessions"],
    plansPerSession: config["memory.plansPerSession"],
    executionsPerSession: config["memory.executionsPerSession"],
    attemptsPerSession: config["memory.attemptsPerSession"],
    claimsPerSession: config["memory.claimsPerSession"],
  };
  if (config["store.kind"] === "memory") return createInMemoryStore({ capacity, maxBytes: config["memory.maxBytes"] });
  // Imported only when wanted: it brings a native library with it.
  const { createSqliteStore } = await import("../../stores/sqlite/sqlite-store.ts");
  return await createSqliteStore({ path: fileOf(config["store.path"], tenant), runtime, capacity });
}

async function openEventLog({ config, runtime, logger }: Source, tenant: string): Promise<EventLog> {
  const limits = {
    topicMessages: config["events.perTopic"],
    topicBytes: config["events.bytesPerTopic"],
    totalBytes: config["events.totalBytes"],
    topics: config["events.topics"],
    positions: config["events.positions"],
    ageMs: config["events.maxAgeMs"],
  };
  if (config["events.kind"] === "memory") return createInMemoryEventLog({ runtime, limits });
  const { createSqliteEventLog } = await import("../../stores/log/sqlite-event-log.ts");
  return await createSqliteEventLog({ path: fileOf(config["events.path"], tenant), runtime, limits, logger });
}

/** Keeps results of calls where plans and executions are. */
async function openCallResults({ config, runtime }: Source, tenant: string): Promise<CallResultStore> {
  const limits = {
    keepMs: config["results.keepMs"],
    keys: config["results.maxEntries"],
    bytes: config["results.maxBytes"],
  };
  if (config["store.kind"] === "memory") return createInMemoryCallResults(limits);
  const { createSqliteCallResults } = await import("../../stores/call-results/sqlite-call-results.ts");
  return await createSqliteCallResults({ path: fileOf(config["store.path"], tenant), runtime, limits });
}
