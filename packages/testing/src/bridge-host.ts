import type { BridgeOptions } from "@loom-bridge/server";
import {
  createBridge,
  createInMemoryCallResults,
  createInMemoryEventLog,
  createInMemoryStore,
} from "@loom-bridge/server";
import { openPlace, type Place } from "./network/place.ts";
import type { RestartOptions } from "./test-bridge-options.ts";
import type { WorldProcess } from "./world.ts";

/** A test has no million events, and the bridge makes room for its journal at once. */
const journal = { maxEntries: 4000 };

type Stores = Required<Pick<BridgeOptions, "store" | "log" | "callResults">>;

/** The machine that the bridge of a world runs on: its process can die, its disk stays. */
export class BridgeHost {
  readonly #options: BridgeOptions;
  readonly #createProcess: () => WorldProcess;
  #process: WorldProcess;
  #stores: Stores;
  #place: Place | undefined;

  constructor(options: BridgeOptions, createProcess: () => WorldProcess) {
    this.#options = options;
    this.#createProcess = createProcess;
    this.#process = createProcess();
    this.#stores = this.#createStores(options);
    this.#open(options);
  }

  /** The bridge that answers now. */
  get place(): Place | undefined {
    return this.#place;
  }

  /** Lets the bridge die. Whoever it served must have been cut off before. */
  async crash(keepStore: boolean): Promise<void> {
    await this.#stop();
    this.#process.kill();
    if (keepStore) return;
    await this.#closeStores();
    this.#stores = this.#createStores(this.#options);
  }

  /** Ends the bridge for good, and what it kept. */
  async close(): Promise<void> {
    await this.#stop();
    await this.#closeStores();
  }

  /** Starts a bridge on what the last one has left. */
  start({ keepStore: _, ...changes }: RestartOptions): void {
    this.#process = this.#createProcess();
    const options = { ...this.#options, ...changes };
    if (changes.store !== undefined || changes.log !== undefined || changes.callResults !== undefined) {
      this.#stores = { ...this.#stores, ...pickStores(changes) };
    }
    this.#open(options);
  }

  async #stop(): Promise<void> {
    const place = this.#place;
    this.#place = undefined;
    await place?.close();
  }

  async #closeStores(): Promise<void> {
    const { store, log, callResults } = this.#stores;
    await Promise.all([store.close(), log.close(), callResults.close()]);
  }

  #open(options: BridgeOptions): void {
    const { runtime } = this.#process;
    const { store, log, callResults } = this.#stores;
    const kept = { store: keepOpen(store), log: keepOpen(log), callResults: keepOpen(callResults) };
    this.#place = openPlace(createBridge({ journal, ...options, runtime, ...kept }));
  }

  #createStores(options: BridgeOptions): Stores {
    const { runtime } = this.#process;
    return {
      store: createInMemoryStore(),
      log: createInMemoryEventLog({ runtime }),
      callResults: createInMemoryCallResults(),
      ...pickStores(options),
    };
  }
}

function pickStores({ store, log, callResults }: BridgeOptions): Partial<Stores> {
  return {
    ...(store === undefined ? {} : { store }),
    ...(log === undefined ? {} : { log }),
    ...(callResults === undefined ? {} : { callResults }),
  };
}

/** The same store, but one that outlives the bridge that closes it. */
function keepOpen<Store extends { close(): Promise<void> }>(store: Store): Store {
  return new Proxy(store, {
    get(target, key) {
      if (key === "close") return async () => {};
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
