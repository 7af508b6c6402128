import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "./address.ts";

test("host, port and URL become an origin", () => {
  assert.equal(parseAddress("localhost:50051", false), "http://localhost:50051");
  assert.equal(parseAddress("bridge.example.com", false), "http://bridge.example.com:50051");
  assert.equal(parseAddress("bridge.example.com:443", true), "https://bridge.example.com:443");
  assert.equal(parseAddress("[::1]:9999", false), "http://[::1]:9999");
  assert.equal(parseAddress("http://10.0.0.1:80/", false), "http://10.0.0.1");
  assert.equal(parseAddress("https://bridge.example.com", true), "https://bridge.example.com");
});

test("anything else is refused, with the address in the message", () => {
  const bad = [
    "",
    ":50051",
    "host:",
    "host:0",
    "host:65536",
    "host:port",
    "a b:1",
    "ftp://x",
    "http://",
    "http://x/path",
    "http://u:p@x",
    "::1",
  ];
  for (const address of bad) {
    assert.throws(
      () => parseAddress(address, false),
      (error: Error & { code?: string }) =>
        error.code === "invalid_argument" && error.message.includes(JSON.stringify(address)),
      address,
    );
  }
});

test("credentials for TLS do not go over http", () => {
  assert.throws(() => parseAddress("http://x:1", true), { code: "invalid_argument" });
});
