import assert from "node:assert/strict";
import { test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { formatAddress, parseAddress, reachableAddress } from "./address.ts";

test("an address is a name, an IPv4 address, an IPv6 address in brackets, or nothing, and a port", () => {
  assert.deepEqual(parseAddress("localhost:50051"), { host: "localhost", port: 50051 });
  assert.deepEqual(parseAddress("127.0.0.1:0"), { host: "127.0.0.1", port: 0 });
  assert.deepEqual(parseAddress("[::1]:65535"), { host: "::1", port: 65535 });
  assert.deepEqual(parseAddress(":50051"), { host: "", port: 50051 });
});

for (const text of [
  "",
  "localhost",
  "50051",
  "::1:50051",
  "[localhost]:1",
  "[]:1",
  "a:65536",
  "a:-1",
  "a:1x",
  "a b:1",
  "http://a:1",
]) {
  test(`${JSON.stringify(text)} is refused with the form to write`, () => {
    assert.throws(
      () => parseAddress(text),
      (error: unknown) =>
        LoomError.isInstance(error) &&
        error.code === "invalid_argument" &&
        error.details["field"] === "address" &&
        error.message.includes(JSON.stringify(text)) &&
        error.message.includes('"host:port"'),
    );
  });
}

test("an address is written so that it can be read again", () => {
  assert.equal(formatAddress({ host: "::1", port: 1 }), "[::1]:1");
  assert.equal(formatAddress({ host: "localhost", port: 1 }), "localhost:1");
});

test("every interface is reached by localhost", () => {
  assert.deepEqual(reachableAddress({ host: "::", port: 1 }), { host: "localhost", port: 1 });
  assert.deepEqual(reachableAddress({ host: "127.0.0.1", port: 1 }), { host: "127.0.0.1", port: 1 });
});
