import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createSeededRandom } from "../soak/seeded-random.ts";

/** What happens to the bytes of every connection, in both directions. */
export interface Faults {
  /** Holds each chunk back, between these many milliseconds. Order stays. */
  delayMs?: readonly [least: number, most: number];
  /** Cuts chunks into pieces of at most this size, each its own write. */
  sliceBytes?: number;
  /** Breaks a connection once it has carried this much in one direction. */
  resetAfterBytes?: readonly [least: number, most: number];
  /** Takes bytes and passes none on, without a word. */
  blackhole?: boolean;
}

/** A way to a bridge on which things go wrong, in the same way for the same seed. */
export interface FaultProxy extends AsyncDisposable {
  /** host:port */
  readonly address: string;
  readonly connections: number;
  /** In force for new chunks of every connection. */
  faults: Faults;
}

export async function startFaultProxy(target: string, seed: number, faults: Faults = {}): Promise<FaultProxy> {
  const random = createSeededRandom(seed);
  const between = ([least, most]: readonly [number, number]): number =>
    least + Math.floor(random() * (most - least + 1));
  const [host = "", port] = target.split(":");
  const sockets = new Set<Socket>();
  const state = { faults };

  function carry(from: Socket, to: Socket): void {
    let carried = 0;
    const { resetAfterBytes } = state.faults;
    const limit = resetAfterBytes === undefined ? Number.POSITIVE_INFINITY : between(resetAfterBytes);
    let last = Promise.resolve();
    from.on("data", (chunk: Buffer) => {
      const { delayMs, sliceBytes = chunk.length, blackhole } = state.faults;
      if (blackhole === true) return;
      carried += chunk.length;
      const waitMs = delayMs === undefined ? 0 : between(delayMs);
      last = last.then(async () => {
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        for (let at = 0; at < chunk.length; at += sliceBytes) to.write(chunk.subarray(at, at + sliceBytes));
        if (carried >= limit) for (const socket of [from, to]) socket.resetAndDestroy();
      });
    });
    from.on("end", () => void last.then(() => to.end()));
  }

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      // A broken connection is what it is for.
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      carry(socket, other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return sockets.size / 2;
    },
    get faults() {
      return state.faults;
    },
    set faults(next) {
      state.faults = next;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}
