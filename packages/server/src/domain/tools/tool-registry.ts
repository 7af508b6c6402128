import { isDeepStrictEqual } from "node:util";
import { LoomError } from "@loom-bridge/protocol";
import { descriptorHash } from "./descriptor-hash.ts";
import { effectOf } from "./effect-of.ts";
import { OpenCalls } from "./open-calls.ts";
import { createSchemaCache } from "./schema-cache.ts";
import type { CompiledSchema, SchemaCompiler } from "./schema-validator.ts";
import type { ToolDescriptor, ToolProvider } from "./tool.ts";
import { createToolChanges, type ToolChange } from "./tool-changes.ts";
import { defaultToolLimits, type ToolLimits } from "./tool-limits.ts";
import { checkToolDescriptor } from "./tool-rules.ts";
import { type ToolRunner, toRunner } from "./tool-runner.ts";

/** What one provider registered, until it is removed. */
export interface ToolRegistration {
  /** Takes the tools away and ends the calls that this provider has open. Harmless when repeated. */
  remove(): void;
}

/** A provider's place in the registry. */
export interface ToolSeat {
  readonly provider: ToolRunner;
  readonly openCalls: OpenCalls;
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
  /** Names this description, for callers who want the tool that they have looked at. */
  readonly hash: string;
}

export interface ToolRegistryOptions {
  readonly compiler: SchemaCompiler;
  readonly limits?: Partial<ToolLimits> | undefined;
  /** Told when a tool is described otherwise than before, whoever provided it then. Default: nobody is. */
  readonly onChange?: (change: ToolChange) => void;
}

/** How many tools are remembered to tell whether they have changed. */
const maxRememberedTools = 16_384;

/** Who provides which tool. */
export interface ToolRegistry {
  /**
   * Adds all of a provider's tools or, with an error, changes nothing. Agents may share a tool if their schemas
   * and effects are equal; the bridge shares none. With `replacing`, the tools take the place of that registration's, which is removed.
   * @throws LoomError `invalid_argument` (name, size, schema), `already_exists` (the name belongs to the other kind of
   * provider, or to another principal's), `failed_precondition` (another agent's schema or effect differs), `resource_exhausted` (a limit).
   */
  register(
    provider: ToolProvider | ToolRunner,
    descriptors: readonly ToolDescriptor[],
    replacing?: ToolRegistration,
  ): ToolRegistration;
  get(name: string): RegisteredTool | undefined;
  /** The tools whose name starts with the prefix, sorted by name. Default: all. */
  list(prefix?: string): RegisteredTool[];
  readonly size: number;
}

/** One tool of one provider. */
interface Offer {
  readonly seat: ToolSeat;
  readonly descriptor: ToolDescriptor;
  readonly schema: CompiledSchema | undefined;
  readonly hash: string;
}

export function createToolRegistry(options: ToolRegistryOptions): ToolRegistry {
  const { compiler, onChange = () => {} } = options;
  const limits: ToolLimits = { ...defaultToolLimits, ...options.limits };
  const changes = createToolChanges(maxRememberedTools, onChange);
  const schemas = createSchemaCache(compiler, limits.maxSchemas);
  /** By tool name. No list is empty, and none is changed in place, because a call may be looking at it. */
  const tools = new Map<string, readonly Offer[]>();
  const registered = new WeakMap<ToolRegistration, readonly Offer[]>();

  const acquire = (seat: ToolSeat, descriptors: readonly ToolDescriptor[]): Offer[] => {
    const offers: Offer[] = [];
    try {
      for (const descriptor of descriptors) {
        const { name, parametersSchema } = descriptor;
        const schema = parametersSchema && withToolName(name, () => schemas.acquire(parametersSchema));
        offers.push({ seat, descriptor, schema: schema || undefined, hash: descriptorHash(descriptor) });
      }
    } catch (error) {
      release(offers);
      throw error;
    }
    return offers;
  };
  const release = (offers: readonly Offer[]): void => {
    for (const { descriptor } of offers) schemas.release(descriptor.parametersSchema);
  };
  const put = (offers: readonly Offer[]): void => {
    for (const offer of offers) {
      const { name } = offer.descriptor;
      tools.set(name, [...(tools.get(name) ?? []), offer]);
    }
  };
  const take = (offers: readonly Offer[]): void => {
    for (const offer of offers) {
      const { name } = offer.descriptor;
      const rest = tools.get(name)?.filter((other) => other !== offer) ?? [];
      if (rest.length > 0) tools.set(name, rest);
      else tools.delete(name);
    }
  };

  /** Those that are provided now, as their first provider describes them. */
  const notice = (offers: readonly Offer[]): void => {
    for (const { descriptor } of offers) {
      const first = tools.get(descriptor.name)?.[0];
      if (first !== undefined) changes.seen(descriptor.name, first.hash);
    }
  };

  return {
    register(provided, descriptors, replacing) {
      const provider = toRunner(provided);
      checkProviderTools(provider, descriptors, limits);
      const seat: ToolSeat = { provider, openCalls: new OpenCalls() };
      const offers = acquire(seat, descriptors);
      const replaced = (replacing && registered.get(replacing)) ?? [];
      take(replaced);
      try {
        for (const { descriptor } of offers) {
          const other = tools.get(descriptor.name)?.[0];
          if (other !== undefined) checkShared(provider, descriptor, other);
        }
      } catch (error) {
        put(replaced);
        release(offers);
        throw error;
      }
      put(offers);
      replacing?.remove();
      notice([...offers, ...replaced]);
      const registration: ToolRegistration = {
        remove() {
          if (!registered.delete(registration)) return;
          take(offers);
          release(offers);
          notice(offers);
          seat.openCalls.loseAll();
        },
      };
      registered.set(registration, offers);
      return registration;
    },
    get(name) {
      const offers = tools.get(name);
      return offers && toTool(offers);
    },
    list(prefix = "") {
      return [...tools]
        .filter(([name]) => name.startsWith(prefix))
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([, offers]) => toTool(offers));
    },
    get size() {
      return tools.size;
    },
  };
}

function toTool(offers: readonly Offer[]): RegisteredTool {
  const { descriptor, schema, hash, seat } = offers[0] as Offer;
  return { descriptor, schema, hash, kind: seat.provider.kind, seats: offers.map((offer) => offer.seat) };
}

function checkProviderTools(
  provider: ToolRunner,
  descriptors: readonly ToolDescriptor[],
  { toolsPerAgent, schemaBytesPerAgent }: ToolLimits,
): void {
  if (provider.kind === "agent" && descriptors.length > toolsPerAgent) {
    throw new LoomError(
      "resource_exhausted",
      `agent "${provider.id}" registers ${descriptors.length} tools; at most ${toolsPerAgent} are allowed (toolsPerAgent)`,
      { details: { limit: "toolsPerAgent", value: String(toolsPerAgent) } },
    );
  }
  const schemaBytes = descriptors.reduce((sum, { parametersSchema }) => sum + parametersSchema.length, 0);
  if (provider.kind === "agent" && schemaBytes > schemaBytesPerAgent) {
    throw new LoomError(
      "resource_exhausted",
      `the schemas of agent "${provider.id}" have ${schemaBytes} bytes; at most ${schemaBytesPerAgent} are allowed; shorten them`,
      { details: { limit: "schemaBytesPerAgent", value: String(schemaBytesPerAgent) } },
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
  }
}

function checkShared(provider: ToolRunner, descriptor: ToolDescriptor, shared: Offer): void {
  const { name } = descriptor;
  const other = shared.seat.provider;
  if (provider.kind === "bridge" || other.kind === "bridge") {
    throw new LoomError(
      "already_exists",
      `tool "${name}" is already provided by ${nameOf(other)}; choose another name`,
      {
        details: { tool: name },
      },
    );
  }
  if ((provider.owner ?? "") !== (other.owner ?? "")) {
    throw new LoomError(
      "already_exists",
      `tool "${name}" is already provided by ${nameOf(other)}, which is another principal's; choose another name`,
      { details: { tool: name, agent: provider.id, other: other.id } },
    );
  }
  const [effect, otherEffect] = [effectOf(descriptor), effectOf(shared.descriptor)];
  if (effect !== otherEffect) {
    throw new LoomError(
      "failed_precondition",
      `tool "${name}" of ${nameOf(provider)} has the effect ${effect}, and that of ${nameOf(other)} has ${otherEffect}; ` +
        "agents that share a tool must agree on its effect",
      { details: { tool: name, agent: provider.id, other: other.id } },
    );
  }
  if (!sameSchema(descriptor.parametersSchema, shared.descriptor.parametersSchema)) {
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
  return isDeepStrictEqual(JSON.parse(left), JSON.parse(right));
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

function nameOf(provider: ToolRunner): string {
  return provider.kind === "bridge" ? "the bridge" : `agent "${provider.id}"`;
}
