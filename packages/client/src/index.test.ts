import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { test } from "node:test";

test("importing the client loads neither Connect nor HTTP, which only a call over sockets needs", async () => {
  const specifiers = new Set<string>();
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      specifiers.add(specifier);
      return next(specifier, context);
    },
  });
  await import("./index.ts");
  hooks.deregister();
  assert.ok(specifiers.has("@bufbuild/protobuf"), "the hook sees what is loaded");
  const unwanted = [...specifiers].filter((specifier) => /^@connectrpc\/|^node:http/.test(specifier));
  assert.deepEqual(unwanted, []);
});
