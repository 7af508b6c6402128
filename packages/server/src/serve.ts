import type { Bridge } from "./bridge.ts";
import type { ReloadOutcome } from "./domain/access/gatekeeper.ts";
import { refuseExposure } from "./listener/exposure.ts";
import { type Listener, type ListenerOptions, listen } from "./listener/listen.ts";
import type { TlsOptions } from "./listener/tls.ts";

export interface ServeOptions extends Pick<ListenerOptions, "address" | "limits"> {
  /** A function is asked again on each reload of the bridge, for certificates that are renewed. Default: no TLS. */
  readonly tls?: TlsOptions | (() => TlsOptions | Promise<TlsOptions>);
  /**
   * Whether to listen for other machines without TLS or without asking who they are: only where something in front of
   * the bridge does both. Default: false.
   */
  readonly insecure?: boolean;
}

/** A bridge with sockets. */
export interface BridgeServer {
  /** The host and port it really listens on. */
  readonly address: string;
  readonly port: number;
  /** How clients write the address. */
  readonly url: string;
  readonly listener: Listener;
  /**
   * Reads keys, rules and certificates anew. They hold for open streams too.
   * @throws LoomError that says what cannot be used; that part is as before then.
   */
  reload(): Promise<ReloadOutcome>;
  /**
   * Takes no more agents, tells those that are here to leave, which they have half of the time for, and sends GOAWAY;
   * calls are still answered meanwhile. Then ends every stream with `unavailable`, takes no more connections, lets unary
   * calls finish, and closes the bridge with its store. Done after `graceMs` at the latest; what is left then is cut. Default: 5000.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Lets a bridge listen: gRPC, gRPC-Web and Connect, HTTP/1.1 and HTTP/2, on one port.
 * @throws LoomError that says what to change, when it cannot listen there, or it would not be safe.
 */
export async function serve(bridge: Bridge, options: ServeOptions): Promise<BridgeServer> {
  const { address, limits, insecure = false } = options;
  const readTls = typeof options.tls === "function" ? options.tls : undefined;
  const tls = typeof options.tls === "function" ? await options.tls() : options.tls;
  if (!insecure) await refuseExposure({ address, isEncrypted: tls !== undefined, isGuarded: bridge.isGuarded });
  const listener = await listen({
    address,
    ...(limits === undefined ? {} : { limits }),
    ...(tls === undefined ? {} : { tls }),
    routes: (router) => bridge.routes(router),
    streams: bridge.streams,
    admit: (presented) => bridge.admit(presented),
    interceptors: [...bridge.interceptors],
    runtime: bridge.runtime,
    logger: bridge.logger,
  });
  if (!bridge.isGuarded)
    bridge.logger.warn("nobody is asked who they are: whoever reaches this port may do everything");
  if (readTls !== undefined) bridge.onReload(async () => listener.setTls(await readTls()));
  let closing: Promise<void> | undefined;
  return {
    address: listener.address,
    port: listener.port,
    url: listener.url,
    listener,
    reload: () => bridge.reload(),
    close({ graceMs = 5_000 } = {}) {
      closing ??= (async () => {
        const startMs = bridge.runtime.monotonic();
        const drained = bridge.drain("the bridge is shutting down", graceMs);
        // After the agents were told on their streams, so that both are read in this order.
        bridge.runtime.defer(() => listener.sendAway());
        await drained;
        const spentMs = bridge.runtime.monotonic() - startMs;
        await listener.close({ graceMs: Math.max(0, graceMs - spentMs) });
        await bridge.close();
      })();
      return closing;
    },
  };
}
