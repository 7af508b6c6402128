import type { Bridge } from "./bridge.ts";
import type { ReloadOutcome } from "./domain/access/gatekeeper.ts";
import { refuseExposure } from "./listener/exposure.ts";
import { type Listener, type ListenerOptions, listen } from "./listener/listen.ts";
import type { TlsOptions } from "./listener/tls.ts";
import { type MetricsServer, serveMetrics } from "./metrics/metrics-server.ts";
import { createProcessMetrics } from "./metrics/process-metrics.ts";
import { createOverload, defaultOverloadLimits, type Overload, type OverloadLimits } from "./overload.ts";
import { toConnectError } from "./rpc/connect-error.ts";

/** Where a bridge listens, and what it lets its clients and its process use. */
export interface ServeOptions extends Pick<ListenerOptions, "address" | "limits" | "trustedPeers"> {
  /** What the process may use before it takes on less. */
  readonly overload?: Partial<OverloadLimits>;
  /** Where operators read metrics, as `host:port`, at `/metrics` for Prometheus. Default: nowhere. */
  readonly metricsAddress?: string;
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
  readonly overload: Overload;
  /** Where the metrics are, if anywhere. */
  readonly metrics: MetricsServer | undefined;
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
  const { address, insecure = false } = options;
  const readTls = typeof options.tls === "function" ? options.tls : undefined;
  const tls = typeof options.tls === "function" ? await options.tls() : options.tls;
  if (!insecure) await refuseExposure({ address, isEncrypted: tls !== undefined, isGuarded: bridge.isGuarded });
  const { runtime, logger, breaches } = bridge;
  const overload = createOverload({
    limits: { ...defaultOverloadLimits, ...options.overload },
    runtime,
    logger,
    breaches,
    shed: () => bridge.shed(),
  });
  const listener = await listen({
    address,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.trustedPeers === undefined ? {} : { trustedPeers: options.trustedPeers }),
    ...(tls === undefined ? {} : { tls }),
    load: overload,
    breaches,
    toConnectError: (error) => toConnectError(error, logger),
    routes: (router) => bridge.routes(router),
    streams: bridge.streams,
    admit: (presented) => bridge.admit(presented),
    interceptors: [...bridge.interceptors],
    runtime,
    logger,
  }).catch((error: unknown) => {
    overload.close();
    throw error;
  });
  const metrics = await openMetrics().catch(async (error: unknown) => {
    overload.close();
    await listener.close({ graceMs: 0 });
    throw error;
  });

  async function openMetrics(): Promise<MetricsServer | undefined> {
    if (options.metricsAddress === undefined) return undefined;
    return await serveMetrics(options.metricsAddress, [...bridge.metrics, ...createProcessMetrics(listener, overload)]);
  }

  if (!bridge.isGuarded) logger.warn("nobody is asked who they are: whoever reaches this port may do everything");
  if (readTls !== undefined) bridge.onReload(async () => listener.setTls(await readTls()));
  let closing: Promise<void> | undefined;
  return {
    address: listener.address,
    port: listener.port,
    url: listener.url,
    listener,
    overload,
    metrics,
    reload: () => bridge.reload(),
    close({ graceMs = 5_000 } = {}) {
      closing ??= (async () => {
        const startMs = runtime.monotonic();
        const drained = bridge.drain("the bridge is shutting down", graceMs);
        // After the agents were told on their streams, so that both are read in this order.
        runtime.defer(() => listener.sendAway());
        await drained;
        const spentMs = runtime.monotonic() - startMs;
        await listener.close({ graceMs: Math.max(0, graceMs - spentMs) });
        overload.close();
        await metrics?.close();
        await bridge.close();
      })();
      return closing;
    },
  };
}
