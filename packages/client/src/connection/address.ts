import { isIPv4 } from "node:net";
import { LoomError } from "@loom-bridge/protocol";

/** Where a bridge listens unless told otherwise (seed: port 50051). */
export const defaultAddress: string = "localhost:50051";
const defaultPort = "50051";

const hostAndPort = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?$/;

/**
 * Turns `host`, `host:port`, `http://…` or `https://…` into the origin to connect to. A bare host and port is taken
 * as https when `tls` is asked for.
 * @throws LoomError `invalid_argument` when it is none of these, or when TLS is asked for over http.
 */
export function parseAddress(address: string, tls: boolean): string {
  const parts = hostAndPort.exec(address);
  if (parts !== null) {
    const [, host, port = defaultPort] = parts;
    if (Number(port) < 1 || Number(port) > 65_535) throw invalid(address, "has no port from 1 to 65535");
    return `${tls ? "https" : "http"}://${host}:${port}`;
  }
  if (!/^https?:\/\//i.test(address)) throw invalid(address, "is no host:port, http:// or https:// address");
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined) throw invalid(address, "is no valid URL");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    throw invalid(address, "has more than scheme, host and port");
  }
  if (tls && url.protocol === "http:") throw invalid(address, "is not encrypted, but credentials for TLS were given");
  return url.origin;
}

/** @throws LoomError `invalid_argument` when a token to this origin would be sent unencrypted to another machine. */
export function refuseOpenWay(origin: string): void {
  const { protocol, hostname } = new URL(origin);
  if (protocol === "https:" || hostname === "localhost" || hostname === "[::1]" || isThisMachine(hostname)) return;
  throw new LoomError(
    "invalid_argument",
    `the token would go to ${origin} without TLS, where everybody on the way can take it; use https:// or credentials, ` +
      "or tokenWithoutTls where something else encrypts the way",
    { details: { field: "token" } },
  );
}

function isThisMachine(hostname: string): boolean {
  return isIPv4(hostname) && hostname.startsWith("127.");
}

function invalid(address: string, problem: string): LoomError {
  const message = `address ${JSON.stringify(address)} ${problem}; write for example "localhost:50051"`;
  return new LoomError("invalid_argument", message, { details: { field: "address" } });
}
