import { isDeepStrictEqual } from "node:util";
import { LoomError, limits } from "@loom-bridge/protocol";
import { createSchemaCache } from "./schema-cache.ts";
import type { CompiledSchema, SchemaCompiler } from "./schema-validator.ts";
import type { ToolDescriptor, ToolProvider } from "./tool.ts";
import { checkToolDescriptor } from "./tool-rules.ts";

/** What one provider registered, until it is removed. */
export interface ToolRegistration {
  /** Takes the tools away and ends the calls that this provider has open. Harmless when repeated. */
  remove(): void;
}

/** A provider's place in the registry. */
export interface ToolSeat {
  readonly provider: ToolProvider;
  /** One callback for each call that the provider has open; called when the seat is removed. */
  readonly openCalls: Set<() => void>;
}

/** A tool that can be called. */
export interface RegisteredTool {
  /** As the provider that came first describes it. */
  readonly descriptor: ToolDescriptor;
  readonly kind: ToolProvider["kind"];
  /** At least one, in order of registration. */
  readonly seats: readonly ToolSeat[];
  /** Absent when the tool takes any object. */
  readonly schema: CompiledSchema | undefined;
}

export interface ToolRegistryOptions {
  readonly compiler: SchemaCompiler;
  /** Tools that one agent may provide. Default: 128. The bridge's own tools are not counted. */
  readonly toolsPerAgent?: number;
  /** Distinct schemas of all tools together, because compiled schemas are large. Default: 4096. */
  readonly maxSchemas?: number;
}

/** Who provides which tool. */
export interface ToolRegistry {
  /**
   * Adds all of a provider's tools or, with an error, none. Agents may share a tool if their schemas are equal; the
   * bridge shares none. A session that replaces another of the same agent registers after the other was removed.
   * @throws LoomError `invalid_argument` (name, size, schema), `already_exists` (the name belongs to the other kind of
   * provider), `failed_precondition` (another agent's schema differs), `resource_exhausted` (a limit).
   */
  register(provider: ToolProvider, descriptors: readonly ToolDescriptor[]): ToolRegistration;
  get(name: string): RegisteredTool | undefined;
  /** The tools whose name starts with the prefix, sorted by name. Default: all. */
  list(prefix?: string): RegisteredTool[];
  readonly size: number;
}

interface Entry {
  kind: ToolProvider["kind"];
  schema: CompiledSchema | undefined;
  /** Never empty. */
  seats: ToolSeat[];
  descriptors: ToolDescriptor[];
}

export function createToolRegistry(options: ToolRegistryOptions): ToolRegistry {
  const { compiler, toolsPerAgent = limits.toolsPerAgent, maxSchemas = 4096 } = options;
  const schemas = createSchemaCache(compiler, maxSchemas);
  const entries = new Map<string, Entry>();

  const checkAll = (provider: ToolProvider, descriptors: readonly ToolDescriptor[]): void => {
    if (provider.kind === "agent" && descriptors.length > toolsPerAgent) {
      throw new LoomError(
        "resource_exhausted",
        `agent "${provider.id}" registers ${descriptors.length} tools; at most ${toolsPerAgent} are allowed`,
        { details: { limit: "toolsPerAgent", value: String(toolsPerAgent) } },
      );
    }
    const names = new Set<string>();
    for (const descriptor of descriptors) {
      checkToolDescriptor(descriptor);
      if (names.has(descriptor.name)) {
        throw new LoomError("invalid_argument", `tool "${descriptor.name}" is registered twice`, {
          details: { field: "tools" },
        });
      }
      names.add(descriptor.name);
      const entry = entries.get(descriptor.name);
      if (entry !== undefined) checkShared(provider, descriptor, entry);
    }
  };

  const acquireSchemas = (descriptors: readonly ToolDescriptor[]): (CompiledSchema | undefined)[] => {
    const acquired: (CompiledSchema | undefined)[] = [];
    try {
      for (const { name, parametersSchema } of descriptors) {
        acquired.push(
          parametersSchema === "" ? undefined : withToolName(name, () => schemas.acquire(parametersSchema)),
        );
      }
    } catch (error) {
      for (const { parametersSchema } of descriptors.slice(0, acquired.length)) schemas.release(parametersSchema);
      throw error;
    }
    return acquired;
  };

  const removeSeat = (seat: ToolSeat, descriptor: ToolDescriptor): void => {
    schemas.release(descriptor.parametersSchema);
    const entry = entries.get(descriptor.name);
    const index = entry?.seats.indexOf(seat) ?? -1;
    if (entry === undefined || index < 0) return;
    if (entry.seats.length === 1) {
      entries.delete(descriptor.name);
    } else {
      // New arrays, because a call may be looking at the old ones.
      entry.seats = entry.seats.toSpliced(index, 1);
      entry.descriptors = entry.descriptors.toSpliced(index, 1);
    }
  };

  return {
    register(provider, descriptors) {
      checkAll(provider, descriptors);
      const acquired = acquireSchemas(descriptors);
      const seat: ToolSeat = { provider, openCalls: new Set() };
      for (const [index, descriptor] of descriptors.entries()) {
        const entry = entries.get(descriptor.name);
        if (entry === undefined) {
          const schema = acquired[index];
          entries.set(descriptor.name, { kind: provider.kind, schema, seats: [seat], descriptors: [descriptor] });
        } else {
          entry.seats = [...entry.seats, seat];
          entry.descriptors = [...entry.descriptors, descriptor];
        }
      }
      let removed = false;
      return {
        remove() {
          if (removed) return;
          removed = true;
          for (const descriptor of descriptors) removeSeat(seat, descriptor);
          for (const end of [...seat.openCalls]) end();
        },
      };
    },
    get(name) {
      const entry = entries.get(name);
      return entry === undefined ? undefined : toTool(entry);
    },
    list(prefix = "") {
      return [...entries]
        .filter(([name]) => name.startsWith(prefix))
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([, entry]) => toTool(entry));
    },
    get size() {
      return entries.size;
    },
  };
}

function toTool({ kind, schema, seats, descriptors }: Entry): RegisteredTool {
  return { kind, schema, seats, descriptor: descriptors[0] as ToolDescriptor };
}

function checkShared(provider: ToolProvider, descriptor: ToolDescriptor, entry: Entry): void {
  const { name } = descriptor;
  const other = entry.seats[0]?.provider as ToolProvider;
  if (provider.kind === "bridge" || entry.kind === "bridge") {
    throw new LoomError(
      "already_exists",
      `tool "${name}" is already provided by ${nameOf(other)}; choose another name`,
      {
        details: { tool: name },
      },
    );
  }
  if (!sameSchema(descriptor.parametersSchema, entry.descriptors[0]?.parametersSchema ?? "")) {
    throw new LoomError(
      "failed_precondition",
      `tool "${name}" of ${nameOf(provider)} has another parameters_schema than that of ${nameOf(other)}; ` +
        "agents that share a tool must agree on its schema",
      { details: { tool: name, agent: provider.id, other: other.id } },
    );
  }
}

function sameSchema(left: string, right: string): boolean {
  if (left === right) return true;
  if (left === "" || right === "") return false;
  try {
    return isDeepStrictEqual(JSON.parse(left), JSON.parse(right));
  } catch {
    // The new one is no JSON, so it differs from one that was accepted.
    return false;
  }
}

function withToolName(name: string, acquire: () => CompiledSchema): CompiledSchema {
  try {
    return acquire();
  } catch (error) {
    if (!LoomError.isInstance(error)) throw error;
    const { code, rawMessage, details } = error;
    throw new LoomError(code, `tool "${name}": ${rawMessage}`, { cause: error, details: { ...details, tool: name } });
  }
}

function nameOf(provider: ToolProvider): string {
  return provider.kind === "bridge" ? "the bridge" : `agent "${provider.id}"`;
}
