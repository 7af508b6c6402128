import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTarget } from "./target.ts";

test("an address is a host, host:port or an http or https address", () => {
  const origins: [text: string, origin: string][] = [
    ["bridge", "http://bridge:50051"],
    ["bridge:9", "http://bridge:9"],
    ["[::1]:9", "http://[::1]:9"],
    [":9", "http://localhost:9"],
    ["http://bridge:9/", "http://bridge:9"],
    ["http://bridge", "http://bridge:80"],
    ["HTTPS://bridge", "https://bridge:443"],
  ];
  for (const [text, origin] of origins) assert.equal(parseTarget(text, false).origin, origin);
  assert.deepEqual(parseTarget("bridge:9", true), { host: "bridge", port: 9, tls: true, origin: "https://bridge:9" });
});

test("anything else is refused", () => {
  for (const text of ["", "a b", "ftp://bridge", "bridge:0", "bridge:65536", "http://bridge/path", "http://a@bridge"]) {
    assert.throws(() => parseTarget(text, false), { code: "invalid_argument" }, text);
  }
});
