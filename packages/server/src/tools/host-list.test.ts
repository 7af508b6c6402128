import assert from "node:assert/strict";
import { test } from "node:test";
import { LoomError } from "@loom-bridge/protocol";
import { parseHostList } from "./host-list.ts";

const has = (entry: string, url: string) => parseHostList("web.allow", [entry]).has(new URL(url));

test("an exact host fits itself, however it is spelt, on the default ports", () => {
  for (const url of ["http://example.com/x", "https://EXAMPLE.com", "https://example.com./", "http://example.com:80"]) {
    assert.equal(has("Example.com", url), true, url);
  }
  for (const url of [
    "http://www.example.com",
    "http://example.com.evil.org",
    "http://evilexample.com",
    "http://example.com:8080",
  ]) {
    assert.equal(has("example.com", url), false, url);
  }
});

test("a wildcard fits every host below and not the host itself", () => {
  assert.equal(has("*.example.com", "http://a.example.com"), true);
  assert.equal(has("*.example.com", "http://a.b.example.com"), true);
  assert.equal(has("*.example.com", "http://example.com"), false);
  assert.equal(has("*.example.com", "http://evilexample.com"), false);
});

test("an entry with a port fits that port only", () => {
  assert.equal(has("example.com:8443", "https://example.com:8443"), true);
  assert.equal(has("example.com:8443", "https://example.com"), false);
  assert.equal(has("example.com:443", "https://example.com"), true);
  assert.equal(has("example.com:443", "http://example.com"), false);
  assert.equal(has("[::1]:80", "http://[::1]/"), true);
  assert.equal(has("127.0.0.1", "http://2130706433/"), true);
});

test("an entry that is none is refused with its text", () => {
  for (const entry of [
    "",
    "*",
    "*.",
    "http://example.com",
    "example.com/path",
    "a*b.com",
    "example.com:99999",
    "user@host",
  ]) {
    assert.throws(
      () => parseHostList("web.allow", [entry]),
      (error) => LoomError.isInstance(error) && error.message.includes(JSON.stringify(entry)),
      entry,
    );
  }
});
