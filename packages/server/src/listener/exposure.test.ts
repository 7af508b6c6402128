import assert from "node:assert/strict";
import { test } from "node:test";
import { refuseExposure } from "./exposure.ts";

const open = { isEncrypted: false, isGuarded: false };

test("an address on this machine alone may be without everything", async () => {
  for (const address of ["localhost:1", "127.0.0.1:1", "127.8.8.8:1", "[::1]:1"]) {
    await refuseExposure({ address, ...open });
  }
});

test("every other address needs TLS and authentication, in whatever form it is written", async () => {
  const addresses = [":1", "0.0.0.0:1", "[::]:1", "[::ffff:0.0.0.0]:1", "192.0.2.1:1", "[2001:db8::1]:1"];
  for (const address of addresses) {
    for (const missing of [open, { ...open, isEncrypted: true }, { ...open, isGuarded: true }]) {
      await assert.rejects(refuseExposure({ address, ...missing }), { code: "invalid_argument" }, address);
    }
    await refuseExposure({ address, isEncrypted: true, isGuarded: true });
  }
});
