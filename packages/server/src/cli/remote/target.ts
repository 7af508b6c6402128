import { isIPv6 } from "node:net";
import { LoomError } from "@loom-bridge/protocol";
import { formatAddress, parseAddress } from "../../listener/address.ts";

/** The bridge that a command speaks to. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** `http://host:port` or `https://host:port` */
  readonly origin: string;
}

const defaultPort = 50_051;

/**
 * Reads `host`, `host:port`, `http://…` or `https://…`. Without a scheme, TLS is used when `tls` asks for it.
 * @throws LoomError `invalid_argument` when it is none of these.
 */
export function parseTarget(text: string, tls: boolean): Target {
  const scheme = /^(https?):\/\//i.exec(text)?.[1]?.toLowerCase();
  const rest = scheme === undefined ? text : text.slice(scheme.length + 3).replace(/\/$/, "");
  const port = scheme === undefined ? defaultPort : scheme === "https" ? 443 : 80;
  const parsed = parseAddress(/:[0-9]+$/.test(rest) ? rest : `${rest}:${port}`);
  const address = { ...parsed, host: parsed.host === "" ? "localhost" : parsed.host };
  if (text === "" || !(isIPv6(address.host) || /^[A-Za-z0-9_.-]+$/.test(address.host))) {
    throw invalid(text, 'is no host:port, http:// or https:// address; write for example "localhost:50051"');
  }
  if (address.port === 0) throw invalid(text, "has the port 0, which nobody can connect to; name the bridge's port");
  if (tls && scheme === "http") throw invalid(text, "is not encrypted, but a --tls flag asks for TLS; write https://");
  const secure = tls || scheme === "https";
  return { ...address, tls: secure, origin: `${secure ? "https" : "http"}://${formatAddress(address)}` };
}

function invalid(text: string, problem: string): LoomError {
  return new LoomError("invalid_argument", `address ${JSON.stringify(text)} ${problem}`, {
    details: { field: "address" },
  });
}
