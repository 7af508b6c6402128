import type { Tool } from "@loom-bridge/client";
import { LoomError, type Runtime } from "@loom-bridge/protocol";
import type { Bridge, ToolProvider } from "@loom-bridge/server";
import { type FakeTool, ScriptedTool } from "./fake-tool.ts";

/** What callers and the bridge are told of a fake tool. */
export interface FakeToolOptions {
  /** What callers read of it. Default: that it is a fake. */
  readonly description?: string;
  /** JSON Schema of the arguments, which the bridge checks. Default: any object; of a given tool, the tool's own. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** What running it twice means. Default: `once`; of a given tool, the tool's own. */
  readonly effect?: "read" | "idempotent" | "once";
}

/** Tools that stand in for real ones. The bridge knows them as those of an agent called `fake-tools`. */
export interface FakeTools {
  /** Puts a fake in a tool's place: by its definition, which gives types and the real schema, or by its name. */
  fake<Args, Result>(tool: Tool<Args, Result>, options?: FakeToolOptions): FakeTool<Args, Result>;
  fake(name: string, options?: FakeToolOptions): FakeTool;
  /** @throws WorldError that lists answers which were to be used and were not, and calls without an answer. */
  assertConsumed(): void;
}

interface Fake {
  readonly tool: ScriptedTool;
  readonly descriptor: Parameters<Bridge["provide"]>[1][number];
}

/** The fakes of a world, offered to whatever bridge it has. */
export class FakeToolBox implements FakeTools {
  readonly #runtime: Runtime;
  readonly #bridge: () => Bridge | undefined;
  readonly #onProblems: (problems: readonly string[]) => Error;
  readonly #fakes = new Map<string, Fake>();

  constructor(runtime: Runtime, bridge: () => Bridge | undefined, onProblems: (problems: readonly string[]) => Error) {
    this.#runtime = runtime;
    this.#bridge = bridge;
    this.#onProblems = onProblems;
  }

  get names(): string[] {
    return [...this.#fakes.keys()];
  }

  get problems(): string[] {
    return [...this.#fakes.values()].flatMap(({ tool }) => tool.problems);
  }

  fake<Args, Result>(tool: Tool<Args, Result>, options?: FakeToolOptions): FakeTool<Args, Result>;
  fake(name: string, options?: FakeToolOptions): FakeTool;
  fake(given: string | Tool, options: FakeToolOptions = {}): FakeTool {
    const name = typeof given === "string" ? given : given.name;
    if (this.#fakes.has(name)) {
      const message = `tool ${JSON.stringify(name)} has a fake already; keep what the first fake() returned and add answers to it`;
      throw new LoomError("already_exists", message, { details: { field: "name" } });
    }
    const tool = new ScriptedTool(name, this.#runtime);
    const fake = { tool, descriptor: describe(given, options) };
    const bridge = this.#bridge();
    if (bridge !== undefined) this.#offer(bridge, fake);
    this.#fakes.set(name, fake);
    return tool;
  }

  assertConsumed(): void {
    const { problems } = this;
    if (problems.length > 0) throw this.#onProblems(problems);
  }

  /** Offers every fake to a bridge that has just started. */
  offerTo(bridge: Bridge): void {
    for (const fake of this.#fakes.values()) this.#offer(bridge, fake);
  }

  #offer(bridge: Bridge, { tool, descriptor }: Fake): void {
    const provider: ToolProvider = {
      kind: "agent",
      id: "fake-tools",
      call: (invocation, signal) => tool.call(invocation, signal),
    };
    bridge.provide(provider, [descriptor]);
  }
}

function describe(given: string | Tool, { description, schema, effect }: FakeToolOptions): Fake["descriptor"] {
  const tool = typeof given === "string" ? undefined : given;
  const name = typeof given === "string" ? given : given.name;
  return {
    name,
    description: description ?? tool?.description ?? `A fake of ${name}`,
    parametersSchema: schema === undefined ? (tool?.parametersSchema ?? "") : JSON.stringify(schema),
    metadata: { ...tool?.metadata },
    effect: effect ?? tool?.effect ?? "once",
  };
}
