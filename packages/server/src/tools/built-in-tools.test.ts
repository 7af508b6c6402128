import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { createBuiltInTools } from "./built-in-tools.ts";

const names = (options: Parameters<typeof createBuiltInTools>[0]) =>
  createBuiltInTools(options).map(({ descriptor }) => descriptor.name);

test("nothing is on unless it is switched on", () => {
  assert.deepEqual(names({}), []);
  assert.deepEqual(names({ files: { root: tmpdir() } }), ["fs:read_file", "fs:list_dir"]);
  assert.deepEqual(names({ files: { root: tmpdir(), write: true }, web: { allow: [] } }), [
    "fs:read_file",
    "fs:list_dir",
    "fs:write_file",
    "web:fetch",
  ]);
});

test("each says what running it twice means", () => {
  const tools = createBuiltInTools({ files: { root: tmpdir(), write: true }, web: { allow: [] } });
  assert.deepEqual(
    tools.map(({ descriptor }) => descriptor.effect),
    ["read", "read", "idempotent", "read"],
  );
});
