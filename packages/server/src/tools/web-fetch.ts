import { promises as dns, type LookupAddress } from "node:dns";
import { type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import type { BridgeTool } from "../domain/tools/bridge-tool.ts";
import { ToolFailure } from "../domain/tools/tool-failure.ts";
import { type HostList, parseHostList } from "./host-list.ts";
import { isPublicAddress } from "./public-address.ts";
import { readBody } from "./response-body.ts";

export interface WebFetchOptions {
  /** Hosts that may be fetched from, as long as their address is public: "example.com", "*.example.com", with a port. */
  readonly allow: readonly string[];
  /** Hosts that may be fetched from whatever their address is: machines of your own. Default: none. */
  readonly allowPrivate?: readonly string[];
  /** Finds the addresses of a host. Default: the system's resolver. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>;
}

const maxRedirects = 5;
const defaultBodyBytes = 262_144;
const maxBodyBytes = 1_048_576;
const maxUrlLength = 8192;
const maxHeaders = 32;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
/** These steer the connection, which is not the caller's. */
const refusedHeaders =
  /^(host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length|expect)$/i;

const parametersSchema = {
  type: "object",
  properties: {
    url: { type: "string", minLength: 1, maxLength: maxUrlLength, description: "http or https" },
    // No others: the tool sends no body, and looking must not change anything.
    method: { enum: ["GET", "HEAD"], default: "GET" },
    headers: { type: "object", maxProperties: maxHeaders, additionalProperties: { type: "string", maxLength: 4096 } },
    max_bytes: { type: "integer", minimum: 1, maximum: maxBodyBytes, default: defaultBodyBytes },
  },
  required: ["url"],
  additionalProperties: false,
};

/** What fits the schema. */
interface WebFetchArguments {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly max_bytes?: number;
}

interface Fetch {
  readonly method: string;
  readonly signal: AbortSignal;
  readonly allowed: HostList;
  readonly allowedPrivate: HostList;
  readonly resolve: (host: string) => Promise<readonly LookupAddress[]>;
}

/** web:fetch. Every hop's host must be listed, and the address that was checked is the one that is connected to. */
export function createWebFetchTool(options: WebFetchOptions): BridgeTool {
  const { allow, allowPrivate = [], resolve = (host: string) => dns.lookup(host, { all: true }) } = options;
  const allowed = parseHostList("web.allow", allow);
  const allowedPrivate = parseHostList("web.allowPrivate", allowPrivate);
  return {
    descriptor: {
      name: "web:fetch",
      description: "Fetches a URL of an allowed host and returns its status, headers and body as text.",
      parametersSchema: JSON.stringify(parametersSchema),
      metadata: {},
      effect: "read",
    },
    async run(args, { signal }) {
      const {
        url,
        method = "GET",
        headers = {},
        max_bytes: maxBytes = defaultBodyBytes,
      } = args as unknown as WebFetchArguments;
      const fetch = { method, signal, allowed, allowedPrivate, resolve };
      const response = await follow(parseUrl(url), checkHeaders(headers), fetch);
      const { body, truncated } = await readBody(response, maxBytes);
      return { status: response.statusCode ?? 0, headers: headersOf(response), body, truncated };
    },
  };
}

async function follow(
  start: URL,
  callerHeaders: Readonly<Record<string, string>>,
  fetch: Fetch,
): Promise<IncomingMessage> {
  let url = start;
  let headers = callerHeaders;
  for (let hop = 0; ; hop += 1) {
    const response = await send(url, headers, fetch);
    const { location } = response.headers;
    if (!redirectStatuses.has(response.statusCode ?? 0) || location === undefined) return response;
    response.destroy();
    if (hop === maxRedirects) throw failed(`${start.href} redirects more than ${maxRedirects} times`);
    const next = parseUrl(location, url);
    // Another origin gets nothing that may have been meant for this one alone.
    if (next.origin !== url.origin) headers = {};
    url = next;
  }
}

async function send(url: URL, headers: Readonly<Record<string, string>>, fetch: Fetch): Promise<IncomingMessage> {
  const { address, family } = await addressOf(url, fetch);
  const options: RequestOptions = {
    method: fetch.method,
    headers: { accept: "*/*", "user-agent": "loom-bridge", ...headers, "accept-encoding": "identity" },
    // A connection of its own, to the address that was checked: asking the name again could give another one.
    agent: false,
    lookup: (_host, { all }, found) => (all ? found(null, [{ address, family }]) : found(null, address, family)),
    signal: fetch.signal,
  };
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return await new Promise((resolve, reject) => {
    try {
      const sent = request(url, options, resolve);
      sent.on("error", (error) => reject(networkFailure(url, error)));
      sent.end();
    } catch (error) {
      // Node refuses header names and values that HTTP does not allow.
      reject(new ToolFailure("INVALID_ARGUMENTS", (error as Error).message, { cause: error }));
    }
  });
}

async function addressOf(url: URL, { allowed, allowedPrivate, resolve, signal }: Fetch): Promise<LookupAddress> {
  const mayBePrivate = allowedPrivate.has(url);
  if (!mayBePrivate && !allowed.has(url)) {
    throw new ToolFailure("PERMISSION_DENIED", `${url.host} is not among the hosts that web:fetch may reach`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = isIP(host) === 0 ? await lookup(host, resolve) : [{ address: host, family: isIP(host) }];
  signal.throwIfAborted();
  const [first] = addresses;
  if (first === undefined) throw failed(`${host} has no address`);
  if (!mayBePrivate && !addresses.every(({ address }) => isPublicAddress(address))) {
    throw new ToolFailure(
      "PERMISSION_DENIED",
      `${url.host} has an address that is not public; web:fetch may not reach it`,
    );
  }
  return first;
}

async function lookup(host: string, resolve: Fetch["resolve"]): Promise<readonly LookupAddress[]> {
  try {
    return await resolve(host);
  } catch (cause) {
    throw failed(`the address of ${host} was not found (${codeOf(cause)})`, cause);
  }
}

function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base);
  const shown = JSON.stringify(text.slice(0, 200));
  if (url === null) throw new ToolFailure("INVALID_ARGUMENTS", `${shown} is not a URL`);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ToolFailure("PERMISSION_DENIED", `${shown} is neither http nor https`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new ToolFailure("PERMISSION_DENIED", "the URL has a user name or password; send a header instead");
  }
  return url;
}

function checkHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const name of Object.keys(headers)) {
    if (refusedHeaders.test(name)) {
      throw new ToolFailure(
        "INVALID_ARGUMENTS",
        `header ${JSON.stringify(name)} cannot be set; web:fetch sets it itself`,
      );
    }
  }
  return headers;
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
  );
}

function networkFailure(url: URL, error: Error): ToolFailure {
  return failed(`${url.host} did not answer (${codeOf(error)})`, error);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown";
}

function failed(message: string, cause?: unknown): ToolFailure {
  return new ToolFailure("EXECUTION_ERROR", message, cause === undefined ? {} : { cause });
}
