import assert from "node:assert/strict";
import { test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { createAddressList, peerKey } from "./peer-key.ts";

test("an IPv4 address is a peer however it is written, and so is the /64 of an IPv6 address", () => {
  assert.equal(peerKey("192.0.2.1"), "192.0.2.1");
  assert.equal(peerKey("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(peerKey("2001:db8:0:1::1"), "2001:db8:0:1::/64");
  assert.equal(peerKey("2001:0db8:0:1:ffff::2"), peerKey("2001:db8:0:1::1"));
  assert.notEqual(peerKey("2001:db8:0:2::1"), peerKey("2001:db8:0:1::1"));
  assert.equal(peerKey("::1"), "0:0:0:0::/64");
  assert.equal(peerKey("fe80::1%eth0"), "fe80:0:0:0::/64");
});

test("a list of addresses and networks knows its own", () => {
  const has = createAddressList(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1"]);
  for (const address of ["10.1.2.3", "192.0.2.7", "2001:db8:5::1", "::1", "::ffff:10.0.0.1"]) {
    assert.ok(has(address), address);
  }
  for (const address of ["11.0.0.1", "192.0.2.8", "2001:db9::1", ""]) assert.ok(!has(address), address);
});

test("what is no address is refused by itself", () => {
  for (const entry of ["example.com", "10.0.0.0/33", "10.0.0.0/x"]) {
    assert.throws(
      () => createAddressList([entry]),
      (error) => LoomError.isInstance(error) && error.rawMessage.startsWith(JSON.stringify(entry)),
    );
  }
});
