import { createServer } from "node:http";
import { type Address, formatAddress, parseAddress } from "../listener/address.ts";
import { bind } from "../listener/bind.ts";
import type { Metric } from "./metric.ts";
import { prometheusType, toPrometheusText } from "./prometheus-text.ts";

/** Where operators read numbers, apart from where agents come. */
export interface MetricsServer {
  /** The host:port that is really bound. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves metrics at `/metrics`.
 * @throws LoomError that says what to change, when it cannot listen there.
 */
export async function serveMetrics(address: string, metrics: readonly Metric[]): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: 10_000, keepAliveTimeout: 5000 }, ({ method, url }, response) => {
    const isRead = method === "GET" || method === "HEAD";
    const path = url?.split("?", 1)[0];
    if (path !== "/metrics") response.writeHead(404).end();
    else if (!isRead) response.writeHead(405, { allow: "GET, HEAD" }).end();
    else response.writeHead(200, { "content-type": prometheusType }).end(toPrometheusText(metrics));
  });
  // Scrapers are few. Whoever else comes is not let in.
  server.maxConnections = 64;
  const { host, port } = parseAddress(address);
  // Nobody is asked who they are here, so that without a host it is for this machine.
  const bound: Address = await bind(server, { host: host === "" ? "localhost" : host, port });
  return {
    address: formatAddress(bound),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
