import { LoomError } from "@loom-bridge/protocol";

/** Hosts that a tool may reach. */
export interface HostList {
  /** Whether the list has the URL's host and port. */
  has(url: URL): boolean;
}

const entryPattern = /^(\*\.)?([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/;

/**
 * Reads entries such as "example.com", "*.example.com" (any host below it, not itself), "example.com:8443" and
 * "[::1]:80". Without a port an entry stands for the default port of http and https.
 * @throws LoomError `invalid_argument` that shows the entry, when it is none.
 */
export function parseHostList(field: string, entries: readonly string[]): HostList {
  const rules = entries.map((entry) => {
    const [, wildcard, host = "", port] = entryPattern.exec(entry.toLowerCase()) ?? [];
    if (host === "" || Number(port ?? 0) > 65_535) {
      throw new LoomError(
        "invalid_argument",
        `${field} has the entry ${JSON.stringify(entry)}; write a host, "*." and a host, or either with ":" and a port`,
        { details: { field } },
      );
    }
    return { host, isWildcard: wildcard !== undefined, port };
  });
  return {
    has(url) {
      const host = hostOf(url);
      const port = url.port || defaultPorts[url.protocol];
      return rules.some((rule) => {
        const portFits = rule.port === undefined ? url.port === "" : rule.port === port;
        return portFits && (rule.isWildcard ? host.endsWith(`.${rule.host}`) : host === rule.host);
      });
    },
  };
}

const defaultPorts: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/** The host as the list spells it: "example.com." is the same as "example.com". */
function hostOf(url: URL): string {
  return url.hostname.replace(/\.$/, "");
}
