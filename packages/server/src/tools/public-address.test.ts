import assert from "node:assert/strict";
import { test } from "node:test";
import { isPublicAddress } from "./public-address.ts";

test("addresses of the internet are public", () => {
  for (const address of ["1.1.1.1", "93.184.215.14", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"]) {
    assert.equal(isPublicAddress(address), true, address);
  }
});

test("loopback, private, link-local, shared, multicast and wrapped addresses are not", () => {
  const v4 = ["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1"];
  const more = ["172.31.255.255", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"];
  const v6 = ["::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1", "2002:7f00:1::"];
  const wrapped = ["::ffff:127.0.0.1", "::ffff:1.1.1.1", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1"];
  for (const address of [...v4, ...more, ...v6, ...wrapped]) assert.equal(isPublicAddress(address), false, address);
});
