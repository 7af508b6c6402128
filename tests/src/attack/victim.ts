import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { BridgeService } from "@loom-bridge/protocol/messages";
import type { BridgeOptions, ListenerLimits } from "@loom-bridge/server";
import type { LoopDelays } from "./loop-monitor.ts";

/** What the attacked bridge is told. Only what JSON can say. */
export interface VictimOptions {
  readonly limits?: Partial<ListenerLimits>;
  readonly trustedPeers?: readonly string[];
  /** Plans of one memory session. Default: the bridge's. */
  readonly plansPerSession?: number;
  readonly bridge?: Pick<BridgeOptions, "heartbeatIntervalMs" | "stallTimeoutMs" | "registerTimeoutMs">;
}

export interface VictimState extends LoopDelays {
  readonly address: string;
  readonly connections: number;
  readonly calls: number;
  /** Objects and buffers that are left after a garbage collection. */
  readonly heldMib: number;
  /** Of the process: what is held, and what Node and the allocator keep for later. */
  readonly rssMib: number;
  /** What was logged as an error: a mistake of the bridge, whatever its clients did. At most 20. */
  readonly defects: readonly string[];
  readonly breaches: Readonly<Record<string, number>>;
}

/** A bridge in a process of its own, to be attacked, and an honest client of it. */
export interface Victim {
  readonly port: number;
  readonly url: string;
  /** The honest client, which has a connection of its own. */
  readonly client: Client<typeof BridgeService>;
  /** That connection, for other services. */
  readonly transport: Transport;
  state(): Promise<VictimState>;
  /** Ends it. The end of a test file does, too. */
  stop(): void;
  /**
   * Attacks while an honest client calls again and again on another connection. All of its calls must be answered, the
   * event loop must not be held up for 100 ms (99 of 100 times), memory must not grow beyond its bounds, and afterwards
   * nothing of the attack may be left.
   */
  withstand(attack: () => Promise<void>, bounds?: Bounds): Promise<VictimState>;
}

export interface Bounds {
  /** What may be held more than before. Default: 4. */
  readonly heldMib?: number;
  /** The longest time for which nobody else was served, in processor time. Default: 500. */
  readonly longestDelayMs?: number;
}

/**
 * How much a process may grow under an attack. Of what it needed for a while it keeps some, how much depends on Node and on
 * how busy the machine is: 73 MiB were seen. What had no bound would be several times as much.
 */
const keptMib = 192;

const script = fileURLToPath(new URL("victim-process.ts", import.meta.url));

/** Starts a bridge for the tests of a file, and stops it after them. */
export async function startVictim(options?: VictimOptions): Promise<Victim> {
  const victim = await spawnVictim(options);
  after(victim.stop);
  return victim;
}

/** Starts a bridge, for whoever stops it. */
export async function spawnVictim(options: VictimOptions = {}): Promise<Victim> {
  const execArgv = ["--expose-gc", "--import", import.meta.resolve("tsx")];
  const child = fork(script, [JSON.stringify(options)], { execArgv, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const stop = (): void => void child.kill("SIGKILL");
  const [{ address }] = (await once(child, "message")) as [{ address: string }];
  const url = `http://${address}`;
  const transport = createGrpcTransport({ baseUrl: url });
  const witness = createClient(BridgeService, transport);
  await witness.getInfo({});
  const state = (reset = false): Promise<VictimState> => ask(child, reset);

  async function settled(connections: number): Promise<VictimState> {
    const giveUpAt = performance.now() + 15_000;
    for (;;) {
      const now = await state();
      if (now.calls === 0 && now.connections <= connections) return now;
      assert.ok(performance.now() < giveUpAt, `${now.connections} connections and ${now.calls} calls are left`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  return {
    port: Number(address.split(":")[1]),
    url,
    client: witness,
    transport,
    stop,
    state,
    async withstand(attack, { heldMib = 4, longestDelayMs = 500 } = {}) {
      await witness.getInfo({});
      const before = await settled(1);
      await state(true);
      let over = false;
      const calls = (async () => {
        for (let count = 0; !over || count < 3; count += 1) {
          await witness.getInfo({}, { timeoutMs: 10_000 });
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })();
      try {
        await attack();
      } finally {
        over = true;
      }
      await calls;
      const { p99DelayMs, longestDelayMs: longest } = await state();
      assert.ok(p99DelayMs < 100, `others waited ${p99DelayMs.toFixed()} ms, 99 of 100 times less`);
      assert.ok(
        longest < longestDelayMs,
        `others waited ${longest.toFixed()} ms, at most ${longestDelayMs} are allowed`,
      );
      const end = await settled(1);
      assert.deepEqual(end.defects, []);
      const held = end.heldMib - before.heldMib;
      assert.ok(held < heldMib, `${held.toFixed()} MiB more are held, at most ${heldMib} are allowed`);
      const grown = end.rssMib - before.rssMib;
      assert.ok(grown < keptMib, `the process grew by ${grown.toFixed()} MiB, at most ${keptMib} are allowed`);
      assert.equal((await witness.getInfo({})).agents, 0);
      return end;
    },
  };
}

async function ask(child: ChildProcess, reset: boolean): Promise<VictimState> {
  assert.equal(child.exitCode ?? child.signalCode, null, "the bridge's process has ended");
  child.send(reset);
  const [state] = (await once(child, "message")) as [VictimState];
  return state;
}
