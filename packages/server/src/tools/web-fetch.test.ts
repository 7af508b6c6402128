import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { ToolFailure } from "../domain/tools/tool-failure.ts";
import { createTypeboxCompiler } from "../schema/typebox-compiler.ts";
import { createWebFetchTool, type WebFetchOptions } from "./web-fetch.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let port = 0;
let handler: Handler = () => {};
let requests: IncomingMessage[] = [];
before(async () => {
  server = createServer((request, response) => {
    requests.push(request);
    handler(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests = [];
  handler = (_, response) => response.end("hello");
});

/** The names of the test, and how often each was asked for. */
const resolver = (addresses: Readonly<Record<string, string>>) => {
  const asked: string[] = [];
  const resolve = async (host: string) => {
    asked.push(host);
    const address = addresses[host];
    if (address === undefined) throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
    return [{ address, family: 4 }];
  };
  return { resolve, asked };
};
const local = { resolve: resolver({ "site.test": "127.0.0.1", "other.test": "127.0.0.1" }).resolve };
const fetch = (
  url: string,
  args: Record<string, unknown> = {},
  options: Partial<WebFetchOptions> = {},
  signal: AbortSignal = new AbortController().signal,
) =>
  createWebFetchTool({ allow: [], allowPrivate: [`site.test:${port}`], ...local, ...options }).run(
    { url, ...args },
    { signal, caller: "", callers: [], headers: {}, correlationId: "", timeoutMs: 1000 },
  ) as Promise<{ status: number; headers: Record<string, string>; body: string; truncated: boolean }>;
const site = (path = "/", host = "site.test") => `http://${host}:${port}${path}`;
const fails = (promise: Promise<unknown>, code: ToolFailure["code"], message: RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof ToolFailure, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });

test("a page of an allowed host is fetched with the caller's headers", async () => {
  handler = (_, response) => response.writeHead(201, { "x-one": "1", "set-cookie": ["a=1", "b=2"] }).end("grüße");
  const { status, headers, body, truncated } = await fetch(site("/p?q=1"), { headers: { "x-mine": "yes" } });
  assert.deepEqual(
    [status, headers["x-one"], headers["set-cookie"], body, truncated],
    [201, "1", "a=1, b=2", "grüße", false],
  );
  const [request] = requests;
  assert.deepEqual([request?.method, request?.url, request?.headers["x-mine"]], ["GET", "/p?q=1", "yes"]);
  assert.equal(request?.headers.host, `site.test:${port}`);
});

test("a host that is not listed is refused before its name is asked for", async () => {
  const { resolve, asked } = resolver({});
  await fails(fetch(site("/", "evil.test"), {}, { resolve }), "PERMISSION_DENIED", /evil\.test.* not among/);
  await fails(fetch("http://site.test/", {}, { resolve }), "PERMISSION_DENIED", /not among/);
  assert.deepEqual([asked, requests.length], [[], 0]);
});

test("other schemes, credentials in the URL and text that is no URL are refused", async () => {
  await fails(fetch("file:///etc/passwd"), "PERMISSION_DENIED", /neither http nor https/);
  await fails(fetch(`http://user:pw@site.test:${port}/`), "PERMISSION_DENIED", /user name or password/);
  await fails(fetch("not a url"), "INVALID_ARGUMENTS", /not a URL/);
});

test("a listed name with a private address is refused unless it may be private", async () => {
  for (const address of ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"]) {
    const { resolve } = resolver({ "site.test": address });
    const options = { allow: [`site.test:${port}`], allowPrivate: [], resolve };
    await fails(fetch(site(), {}, options), "PERMISSION_DENIED", /not public/);
  }
  const both = async () => [
    { address: "1.1.1.1", family: 4 },
    { address: "127.0.0.1", family: 4 },
  ];
  const mixed = { allow: [`site.test:${port}`], allowPrivate: [], resolve: both };
  await fails(fetch(site(), {}, mixed), "PERMISSION_DENIED", /not public/);
  assert.equal(requests.length, 0);
});

test("an address in the URL is checked like a name, in any spelling", async () => {
  for (const host of ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]) {
    const listed = { allow: [`127.0.0.1:${port}`, `[::ffff:7f00:1]:${port}`], allowPrivate: [] };
    await fails(fetch(site("/", host), {}, listed), "PERMISSION_DENIED", /not public/);
  }
  const own = { allow: [], allowPrivate: [`127.0.0.1:${port}`] };
  assert.equal((await fetch(site("/", "2130706433"), {}, own)).body, "hello");
});

test("a name is asked for once, and the address that was checked is connected to", async () => {
  const { resolve, asked } = resolver({ "site.test": "127.0.0.1" });
  assert.equal((await fetch(site(), {}, { resolve })).body, "hello");
  assert.deepEqual(asked, ["site.test"]);
});

test("redirects are followed five times, and each hop must be listed", async () => {
  handler = ({ url }, response) => {
    const left = Number(url?.slice(1));
    if (left === 0) response.end("there");
    else response.writeHead(302, { location: `/${left - 1}` }).end();
  };
  assert.equal((await fetch(site("/5"))).body, "there");
  await fails(fetch(site("/6")), "EXECUTION_ERROR", /more than 5/);
  handler = (_, response) => response.writeHead(307, { location: site("/", "other.test") }).end();
  await fails(fetch(site()), "PERMISSION_DENIED", /other\.test/);
  handler = (_, response) => response.writeHead(301, { location: "file:///etc/passwd" }).end();
  await fails(fetch(site()), "PERMISSION_DENIED", /neither/);
});

test("a redirect to another origin does not take the caller's headers along", async () => {
  handler = ({ headers }, response) => {
    if (headers.host?.startsWith("site")) response.writeHead(302, { location: site("/", "other.test") }).end();
    else response.end("other");
  };
  const allowPrivate = [`site.test:${port}`, `other.test:${port}`];
  await fetch(site(), { headers: { authorization: "secret" } }, { allowPrivate });
  assert.deepEqual(
    requests.map(({ headers }) => headers.authorization),
    ["secret", undefined],
  );
});

test("a body is cut at max_bytes, between characters, and the connection is given up", async () => {
  let closed: Promise<unknown> | undefined;
  handler = (_, response) => {
    closed = once(response, "close");
    const more = () => {
      let isTaken = true;
      while (!response.destroyed && isTaken) isTaken = response.write("ü".repeat(10_000));
      response.once("drain", more);
    };
    more();
  };
  const { body, truncated } = await fetch(site(), { max_bytes: 1001 });
  assert.deepEqual([body.length, truncated], [500, true]);
  await closed;
  handler = (_, response) => response.end("x".repeat(1001));
  assert.deepEqual((await fetch(site(), { max_bytes: 1001 })).truncated, false);
});

test("the signal ends a fetch that hangs, in the headers and in the body", async () => {
  for (const start of [() => {}, (response: ServerResponse) => response.write("x")]) {
    const caller = new AbortController();
    handler = (_, response) => {
      start(response);
      setImmediate(() => caller.abort());
    };
    await assert.rejects(fetch(site(), {}, {}, caller.signal));
  }
});

test("HEAD has no body, a charset is honoured, and an encoding that was not asked for is refused", async () => {
  assert.equal((await fetch(site(), { method: "HEAD" })).body, "");
  handler = (_, response) =>
    response.writeHead(200, { "content-type": "text/plain; charset=latin1" }).end("gr\xfc\xdfe", "latin1");
  assert.equal((await fetch(site())).body, "grüße");
  handler = (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("x");
  await fails(fetch(site()), "EXECUTION_ERROR", /content encoding "gzip"/);
});

test("headers that steer the connection, or that HTTP does not allow, are refused", async () => {
  for (const headers of [
    { Host: "x" },
    { "Transfer-Encoding": "chunked" },
    { "proxy-authorization": "x" },
    { "a b": "x" },
    { a: "x\r\ny: z" },
  ]) {
    await fails(fetch(site(), { headers }), "INVALID_ARGUMENTS", /header/i);
  }
  assert.equal(requests.length, 0);
});

test("names that do not resolve and servers that do not answer are failures of the fetch", async () => {
  const allowPrivate = ["nowhere.test", "site.test:1"];
  await fails(
    fetch("http://nowhere.test/", {}, { allowPrivate }),
    "EXECUTION_ERROR",
    /nowhere\.test was not found \(ENOTFOUND\)/,
  );
  await fails(fetch("http://site.test:1/", {}, { allowPrivate }), "EXECUTION_ERROR", /ECONNREFUSED/);
  handler = (request) => request.socket.destroy();
  await fails(fetch(site()), "EXECUTION_ERROR", /did not answer/);
});

test("the schema takes GET and HEAD only, and at most 1 MiB", () => {
  const schema = createTypeboxCompiler().compile(createWebFetchTool({ allow: [] }).descriptor.parametersSchema);
  assert.deepEqual(
    schema.check({ url: "http://x", method: "HEAD", headers: { a: "b" }, max_bytes: 1_048_576 }, 100),
    [],
  );
  for (const bad of [
    {},
    { url: "x", method: "POST" },
    { url: "x", max_bytes: 1_048_577 },
    { url: "x", headers: { a: 1 } },
  ]) {
    assert.notEqual(schema.check(bad, 100).length, 0);
  }
});
