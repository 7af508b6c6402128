import { LoomError } from "@loom-bridge/protocol";
import type { EventLog } from "./domain/log/event-log.ts";
import type { MemoryStore } from "./domain/memory/memory-store.ts";
import type { CallResultStore } from "./domain/tools/call-result-store.ts";
import type { Space } from "./space.ts";

/** Where one tenant keeps what lasts. What is left out is in memory, gone with the process. */
export interface SpaceStores {
  readonly store?: MemoryStore;
  readonly log?: EventLog;
  readonly callResults?: CallResultStore;
}

export interface SpacesOptions {
  /** The space of those without a tenant. */
  readonly main: Space;
  readonly openStores: (tenant: string) => SpaceStores | Promise<SpaceStores>;
  readonly createSpace: (tenant: string, stores: SpaceStores) => Space;
  readonly maxTenants: number;
}

/** The spaces of a bridge's tenants. Each is made when its first call comes, and stays. */
export interface Spaces {
  /**
   * Makes a tenant's space if it is not there.
   * @throws LoomError `resource_exhausted` when there are too many, and what its stores throw.
   */
  open(tenant: string): Space | Promise<Space>;
  /** A space that is open. */
  of(tenant: string): Space;
  all(): readonly Space[];
  /** Opens no more, and waits for those that are opening. Harmless when repeated. */
  close(): Promise<void>;
}

export function createSpaces({ main, openStores, createSpace, maxTenants }: SpacesOptions): Spaces {
  const spaces = new Map([["", main]]);
  const opening = new Map<string, Promise<Space>>();
  let isClosed = false;

  async function make(tenant: string): Promise<Space> {
    try {
      const space = createSpace(tenant, await openStores(tenant));
      spaces.set(tenant, space);
      return space;
    } finally {
      opening.delete(tenant);
    }
  }

  return {
    open(tenant) {
      const open = spaces.get(tenant) ?? opening.get(tenant);
      if (open !== undefined) return open;
      if (isClosed) throw new LoomError("unavailable", "the bridge is shutting down");
      if (spaces.size - 1 + opening.size >= maxTenants) {
        throw new LoomError(
          "resource_exhausted",
          `${maxTenants} tenants are open, the most allowed; ask the operator for more`,
          {
            retryable: true,
            details: { limit: "auth.maxTenants", value: String(maxTenants) },
          },
        );
      }
      const made = make(tenant);
      opening.set(tenant, made);
      return made;
    },
    of(tenant) {
      const space = spaces.get(tenant);
      if (space === undefined) throw new LoomError("unavailable", "the tenant's space is not open");
      return space;
    },
    all: () => [...spaces.values()],
    async close() {
      isClosed = true;
      await Promise.allSettled(opening.values());
    },
  };
}
