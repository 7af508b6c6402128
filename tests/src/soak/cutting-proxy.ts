import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a bridge that can be broken. */
export interface CuttingProxy extends AsyncDisposable {
  /** host:port for the agents. */
  readonly address: string;
  /** Connections that stand. */
  readonly connections: number;
  /** Breaks every connection, without a word to either side. */
  cut(): void;
}

/** Carries TCP connections to a bridge. */
export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const [host = "", port] = target.split(":");
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ host, port: Number(port), noDelay: true });
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [socket, other] of [pair, [far, near] as const]) {
      // A broken connection is what it is for.
      socket.on("error", () => {});
      socket.on("close", () => {
        other.destroy();
        pairs.delete(pair);
      });
      socket.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return pairs.size;
    },
    cut,
    async [Symbol.asyncDispose]() {
      server.close();
      cut();
      await once(server, "close");
    },
  };
}
