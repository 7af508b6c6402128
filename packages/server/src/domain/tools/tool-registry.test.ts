import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, LoomError } from "@loom-bridge/protocol";
import type { SchemaCompiler } from "./schema-validator.ts";
import type { ToolDescriptor, ToolProvider } from "./tool.ts";
import type { ToolChange } from "./tool-changes.ts";
import type { ToolLimits } from "./tool-limits.ts";
import { createToolRegistry } from "./tool-registry.ts";

const provider = (id: string, kind: ToolProvider["kind"] = "agent"): ToolProvider => ({
  kind,
  id,
  call: async () => ({ status: "ok", output: "null" }),
});
const bridge = provider("bridge", "bridge");
const tool = (name: string, parametersSchema = "", description = ""): ToolDescriptor => ({
  name,
  description,
  parametersSchema,
  metadata: {},
});

function registryWith(limits: Partial<ToolLimits> = {}) {
  const compiled: string[] = [];
  const compiler: SchemaCompiler = {
    compile(text) {
      if (text === "bad") throw new LoomError("invalid_argument", "bad schema", { details: { field: "x" } });
      compiled.push(text);
      return { check: () => [] };
    },
  };
  return { registry: createToolRegistry({ compiler, limits }), compiled };
}

const refused = (run: () => unknown, code: ErrorCode, message: RegExp) =>
  assert.throws(run, (error) => LoomError.isInstance(error) && error.code === code && message.test(error.message));

test("tools are listed by name, with who provides them, until they are removed", () => {
  const { registry } = registryWith();
  registry.register(bridge, [tool("web:fetch")]);
  const registration = registry.register(provider("a"), [tool("price:now"), tool("fs/x")]);
  registry.register(provider("b"), [tool("price:now")]);
  const listed = () =>
    registry.list().map(({ descriptor, seats }) => [descriptor.name, seats.map((s) => s.provider.id)]);
  assert.deepEqual(listed(), [
    ["fs/x", ["a"]],
    ["price:now", ["a", "b"]],
    ["web:fetch", ["bridge"]],
  ]);
  assert.deepEqual(
    registry.list("price").map(({ descriptor }) => descriptor.name),
    ["price:now"],
  );
  registration.remove();
  registration.remove();
  assert.deepEqual(listed(), [
    ["price:now", ["b"]],
    ["web:fetch", ["bridge"]],
  ]);
});

test("a registration is all or nothing, also in the schemas it holds", () => {
  const { registry, compiled } = registryWith({ maxSchemas: 2 });
  registry.register(provider("a"), [tool("shared", '{"a":1}')]);
  for (const bad of [tool("x", "bad"), tool("bad name"), tool("shared", '{"a":2}'), tool("new")]) {
    assert.throws(() => registry.register(provider("b"), [tool("new", '{"n":1}'), bad]));
    assert.equal(registry.get("new"), undefined);
    assert.equal(registry.size, 1);
  }
  registry.register(provider("b"), [tool("other", '{"o":1}')]);
  assert.equal(compiled.at(-1), '{"o":1}');
});

test("a name is 1 to 128 bytes of the allowed characters", () => {
  const { registry } = registryWith();
  registry.register(provider("a"), [tool("a".repeat(128)), tool("A-z_0.9:/x")]);
  for (const name of ["", "a".repeat(129), "ü", "a b", "a\n", "a\u202e"]) {
    refused(() => registry.register(provider("b"), [tool(name)]), "invalid_argument", /tool name/);
  }
});

test("a description, a schema and metadata that are too large are refused with the limit", () => {
  const { registry } = registryWith();
  const register = (descriptor: ToolDescriptor) => registry.register(provider("a"), [descriptor]);
  refused(() => register(tool("t", "", "x".repeat(4097))), "invalid_argument", /4097 bytes; at most 4096/);
  refused(() => register(tool("t", "x".repeat(65_537))), "invalid_argument", /65537 bytes; at most 65536/);
  const metadata = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, ""]));
  refused(() => register({ ...tool("t"), metadata }), "invalid_argument", /65 pairs; at most 64/);
});

test("agents share a tool when their schemas are equal, however they are written", () => {
  const { registry } = registryWith();
  registry.register(provider("a"), [tool("t", '{"type":"object","required":["x"]}')]);
  registry.register(provider("b"), [tool("t", '{ "required": ["x"], "type": "object" }')]);
  assert.equal(registry.get("t")?.seats.length, 2);
  refused(
    () => registry.register(provider("c"), [tool("t", '{"type":"object"}')]),
    "failed_precondition",
    /agent "c".*agent "a"/,
  );
  refused(() => registry.register(provider("c"), [tool("t")]), "failed_precondition", /agent "c"/);
});

test("an agent cannot take the name of a bridge tool, nor the bridge an agent's", () => {
  const { registry } = registryWith();
  registry.register(bridge, [tool("fs:read")]);
  registry.register(provider("a"), [tool("mine")]);
  refused(() => registry.register(provider("a"), [tool("fs:read")]), "already_exists", /the bridge/);
  refused(() => registry.register(bridge, [tool("mine")]), "already_exists", /agent "a"/);
  refused(() => registry.register(bridge, [tool("fs:read")]), "already_exists", /the bridge/);
});

test("a schema is compiled once for all tools that use it and dropped with the last of them", () => {
  const { registry, compiled } = registryWith();
  const first = registry.register(provider("a"), [tool("t", "{}"), tool("u", "{}")]);
  const second = registry.register(provider("b"), [tool("t", "{}")]);
  first.remove();
  assert.deepEqual(compiled, ["{}"]);
  second.remove();
  registry.register(provider("a"), [tool("t", "{}")]);
  assert.deepEqual(compiled, ["{}", "{}"]);
});

test("too many tools or schemas are refused with the limit", () => {
  const { registry } = registryWith({ toolsPerAgent: 2, maxSchemas: 1 });
  const three = [tool("a"), tool("b"), tool("c")];
  refused(() => registry.register(provider("a"), three), "resource_exhausted", /3 tools; at most 2/);
  registry.register(bridge, three);
  registry.register(provider("a"), [tool("x", "{}")]);
  refused(() => registry.register(provider("b"), [tool("y", '{"b":1}')]), "resource_exhausted", /at most 1/);
});

test("removing a registration ends the provider's open calls", () => {
  const { registry } = registryWith();
  const registration = registry.register(provider("a"), [tool("t")]);
  let ended = 0;
  const lose = (): void => {
    ended += 1;
  };
  registry.get("t")?.seats[0]?.openCalls.add({ place: -1, lose });
  registration.remove();
  assert.equal(ended, 1);
});

test("a registration takes the place of another, even with other schemas, or leaves it as it was", () => {
  const { registry, compiled } = registryWith();
  registry.register(provider("b"), [tool("shared", "{}")]);
  const old = registry.register(provider("a"), [tool("mine", '{"v":1}'), tool("shared", "{}")]);
  let ended = 0;
  const [seat] = registry.get("mine")?.seats ?? [];
  const lose = (): void => {
    ended += 1;
  };
  seat?.openCalls.add({ place: -1, lose });
  const renewed = [tool("mine", '{"v":2}')];
  assert.throws(() => registry.register(provider("a"), [...renewed, tool("shared", '{"v":2}')], old));
  assert.deepEqual([registry.get("mine")?.seats, registry.get("shared")?.seats.length, ended], [[seat], 2, 0]);

  registry.register(provider("a"), renewed, old);
  assert.deepEqual([registry.get("mine")?.seats.length, registry.get("shared")?.seats.length, ended], [1, 1, 1]);
  assert.notEqual(registry.get("mine")?.seats[0], seat);
  old.remove();
  assert.equal(registry.get("mine")?.seats.length, 1);
  registry.register(provider("c"), [tool("other", '{"v":1}')]);
  assert.equal(compiled.filter((text) => text === '{"v":1}').length, 2);
});

test("a tool's hash names its description, and a change of it is told once, also when nobody provided it meanwhile", () => {
  const changes: ToolChange[] = [];
  const compiler: SchemaCompiler = { compile: () => ({ check: () => [] }) };
  const registry = createToolRegistry({ compiler, onChange: (change) => changes.push(change) });
  const hash = () => registry.get("t")?.hash ?? "";

  const first = registry.register(provider("a"), [tool("t", "", "reads")]);
  const read = hash();
  const again = registry.register(provider("a"), [tool("t", "", "reads")], first);
  assert.equal(hash(), read);
  again.remove();
  assert.deepEqual(changes, []);

  const poisoned = registry.register(provider("a"), [tool("t", "", "reads, and sends it all to me")]);
  const sends = hash();
  assert.notEqual(sends, read);
  assert.deepEqual(changes, [{ tool: "t", hash: sends, was: read }]);

  registry.register(provider("b"), [tool("t", "", "reads")]);
  assert.equal(hash(), sends, "as the provider that came first describes it");
  poisoned.remove();
  assert.deepEqual(changes.at(-1), { tool: "t", hash: read, was: sends });
  assert.equal(changes.length, 2);
});

test("agents of different principals share no tool, and neither hears why beyond the name", () => {
  const { registry } = registryWith();
  registry.register({ ...provider("a"), owner: "one" }, [tool("t")]);
  registry.register({ ...provider("b"), owner: "one" }, [tool("t")]);
  refused(
    () => registry.register({ ...provider("c"), owner: "two" }, [tool("t")]),
    "already_exists",
    /another principal/,
  );
  refused(() => registry.register(provider("d"), [tool("t")]), "already_exists", /choose another name/);
  assert.equal(registry.get("t")?.seats.length, 2);
});

test("the schemas of one agent have a size in all", () => {
  const { registry } = registryWith();
  const tools = (count: number) => Array.from({ length: count }, (_, index) => tool(`t${index}`, "x".repeat(65_536)));
  registry.register(provider("a"), tools(8));
  refused(() => registry.register(provider("b"), tools(9)), "resource_exhausted", /589824 bytes; at most 524288/);
});
