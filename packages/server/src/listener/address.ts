import { isIPv6 } from "node:net";
import { LoomError } from "@loom-bridge/protocol";

/** Where to listen. */
export interface Address {
  /** A name or an IP address without brackets; empty for every interface. */
  readonly host: string;
  /** 0 to 65535; 0 lets the system choose. */
  readonly port: number;
}

const rule = 'write "host:port", such as "localhost:50051", "[::1]:50051", or ":50051" for every interface';

/**
 * Reads `host:port`. The host is a name, an IPv4 address, an IPv6 address in brackets, or nothing, which means every
 * interface. Port 0 lets the system choose one.
 * @throws LoomError `invalid_argument` that names the field and shows the form.
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]*)\]|([^:[\]/\s]*)):([0-9]{1,5})$/.exec(text);
  if (match === null) throw invalid(text, "is not an address");
  const [, bracketed, bare = "", digits] = match;
  if (bracketed !== undefined && !isIPv6(bracketed)) throw invalid(text, "has no IPv6 address in its brackets");
  const port = Number(digits);
  if (port > 65_535) throw invalid(text, `has the port ${port}; the highest is 65535`);
  return { host: bracketed ?? bare, port };
}

/** Writes `host:port`, with brackets around IPv6. */
export function formatAddress({ host, port }: Address): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Where a client on this machine finds a bridge that is bound here. */
export function reachableAddress({ host, port }: Address): Address {
  return { host: host === "::" || host === "0.0.0.0" ? "localhost" : host, port };
}

function invalid(text: string, problem: string): LoomError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new LoomError("invalid_argument", `address ${JSON.stringify(shown)} ${problem}; ${rule}`, {
    details: { field: "address" },
  });
}
