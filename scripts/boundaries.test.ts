import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findBoundaryViolations, importsOf } from "./boundaries.ts";

describe("findBoundaryViolations", () => {
  const refused: [path: string, specifier: string, problem: RegExp][] = [
    ["packages/client/src/agent.ts", "@loom-bridge/server", /may import protocol$/],
    ["packages/server/src/bridge.ts", "@loom-bridge/client", /may import protocol$/],
    ["packages/server/src/bridge.test.ts", "@loom-bridge/client", /may import protocol$/],
    ["packages/server/src/bridge.ts", "@loom-bridge/testing", /may import protocol$/],
    ["packages/protocol/src/topic.ts", "@loom-bridge/client", /may import none of our packages/],
    ["packages/client/src/agent.ts", "../../protocol/src/topic.ts", /outside packages\/client\//],
    ["packages/client/src/agent.test.ts", "../../server/src/index.ts", /outside packages\/client\//],
    ["tests/src/stream.test.ts", "../../packages/server/src/rpc/connect-error.ts", /outside tests\//],
    ["tests/src/stream.test.ts", "@loom-bridge/server/src/bridge.ts", /public entry/],
    ["examples/market-desk/src/main.ts", "../../other/src/main.ts", /outside examples\/market-desk\//],
    ["examples/market-desk/src/main.ts", "@loom-bridge/client/dist/agent.js", /public entry/],
    ["packages/server/src/domain/bus/bus.ts", "@loom-bridge/protocol/messages", /must not know/],
    ["packages/server/src/domain/bus/bus.ts", "@bufbuild/protobuf", /must not know @bufbuild\//],
    ["packages/server/src/domain/bus/bus.ts", "@connectrpc/connect", /must not know/],
    ["packages/server/src/domain/bus/bus.ts", "node:net", /must not know node:net/],
    ["packages/server/src/domain/bus/bus.ts", "../../rpc/connect-error.ts", /may import domain\/$/],
    ["packages/server/src/domain/bus/bus.ts", "../../bridge.ts", /may import domain\/$/],
    [
      "packages/server/src/rpc/stream.ts",
      "../stores/sqlite/store.ts",
      /may import rpc\/, domain\/, listener\/admission.ts, listener\/message-stream.ts, wire\/$/,
    ],
    [
      "packages/server/src/rpc/stream.ts",
      "../listener/tls.ts",
      /may import rpc\/, domain\/, listener\/admission.ts, listener\/message-stream.ts, wire\/$/,
    ],
    [
      "packages/server/src/listener/tls.ts",
      "../domain/bus/bus.ts",
      /may import listener\/, domain\/access\/, domain\/bounded-logger.ts/,
    ],
    ["packages/server/src/stores/in-memory/store.ts", "../../domain/session/session.ts", /may import stores\//],
    ["packages/server/src/schema/compiler.ts", "../rpc/stream.ts", /may import schema\//],
    ["packages/server/src/tools/web/fetch.ts", "../../stores/sqlite/store.ts", /may import tools\//],
  ];
  for (const [path, specifier, problem] of refused) {
    it(`refuses ${specifier} in ${path}`, () => {
      const [violation, ...more] = findBoundaryViolations(new Map([[path, `import { x } from "${specifier}";\n`]]));
      assert.match(violation ?? "", problem);
      assert.deepEqual(more, []);
    });
  }

  const allowed: [path: string, specifier: string][] = [
    ["packages/client/src/agent.ts", "@loom-bridge/protocol/messages"],
    ["packages/client/src/connection/stream.ts", "../errors/error.ts"],
    ["packages/testing/src/index.ts", "@loom-bridge/server"],
    ["packages/server/src/bridge.ts", "./stores/sqlite/store.ts"],
    ["packages/server/src/cli/main.ts", "../listener/tls.ts"],
    ["packages/server/src/logging/pino.ts", "../domain/logger.ts"],
    ["packages/server/src/listener/server.test-helper.ts", "@loom-bridge/protocol/messages"],
    ["packages/server/src/rpc/stream.ts", "../domain/bus/bus.ts"],
    ["packages/server/src/rpc/stream.ts", "@loom-bridge/protocol/messages"],
    ["packages/server/src/listener/tls.ts", "../domain/logger.ts"],
    ["packages/server/src/stores/in-memory/store.test.ts", "../../domain/manual-runtime.ts"],
    ["packages/server/src/tools/web/fetch.ts", "node:https"],
    ["packages/server/src/domain/bus/bus.ts", "@loom-bridge/protocol"],
    ["examples/market-desk/src/main.ts", "@loom-bridge/client"],
    ["tests/src/stream.test.ts", "@loom-bridge/testing"],
  ];
  for (const [path, specifier] of allowed) {
    it(`allows ${specifier} in ${path}`, () => {
      assert.deepEqual(findBoundaryViolations(new Map([[path, `import { x } from "${specifier}";\n`]])), []);
    });
  }

  for (const path of ["apps/ui/main.ts", "packages/other/src/index.ts", "packages/server/src/other/x.ts"]) {
    it(`wants to be told where ${path} stands`, () => {
      assert.throws(() => findBoundaryViolations(new Map([[path, 'import "./y.ts";\n']])), /add it there/);
    });
  }
});

describe("importsOf", () => {
  const forms: [text: string, imports: string[]][] = [
    ['import "a";', ["a"]],
    ['import a from "a";', ["a"]],
    ['import * as a from "a";', ["a"]],
    ['import type { A } from "a";', ["a"]],
    ['import {\n  type A,\n  b as $c,\n} from "a";', ["a"]],
    ['export * from "a";', ["a"]],
    ['export { A } from "a";', ["a"]],
    [`const a = await ${loading("a")};`, ["a"]],
    [`type A = ${loading("a")}["A"];`, ["a"]],
    ['import a from "a";\nimport b from "b";', ["a", "b"]],
    ['export const a = "a";', []],
    ['export interface A {\n  a: "a";\n}', []],
    [' * import a from "a";', []],
    [`  // ${loading("a")}`, []],
    [`   * ${loading("a")}`, []],
  ];
  for (const [text, imports] of forms) {
    it(`finds ${imports.length} in ${JSON.stringify(text)}`, () => {
      assert.deepEqual(importsOf(text), imports);
    });
  }
});

/** A dynamic import, spelled so that this file has none. */
function loading(specifier: string): string {
  return ["import", `("${specifier}")`].join("");
}
