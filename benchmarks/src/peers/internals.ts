import { systemRuntime } from "@loom-bridge/protocol";
import type { MemoryStore } from "@loom-bridge/server";

// The only two things that the benchmarks use although they are no public entry, by their place beside the built package:
// the store, because loading a million plans by RPC takes minutes; the index, because no call shows its cost alone.

const server = new URL("../dist/", import.meta.resolve("@loom-bridge/server"));

async function load<Module>(path: string): Promise<Module> {
  return (await import(new URL(path, server).href)) as Module;
}

interface StoreModule {
  createSqliteStore(options: {
    path: string;
    runtime: typeof systemRuntime;
    capacity: { plansPerSession: number };
  }): Promise<MemoryStore>;
}

/** Opens the store that `loom-bridge up --store sqlite` uses, with room above the default of 10 000 plans a session. */
export async function openSqliteStore(path: string): Promise<MemoryStore> {
  const { createSqliteStore } = await load<StoreModule>("stores/sqlite/sqlite-store.js");
  return createSqliteStore({ path, runtime: systemRuntime, capacity: { plansPerSession: 1_000_000 } });
}

export interface Index {
  add(filter: readonly string[], value: number): void;
  match(topic: readonly string[], visit: (value: number) => void): void;
}

export async function createTopicIndex(): Promise<Index> {
  const { TopicIndex } = await load<{ TopicIndex: new () => Index }>("domain/bus/topic-index.js");
  return new TopicIndex();
}
