import type { MessageInitShape } from "@bufbuild/protobuf";
import { limits, type Runtime, systemRuntime } from "@loom-bridge/protocol";
import {
  ActionService,
  AgentService,
  BridgeService,
  type ClientEvent,
  type Delivery,
  type GetInfoResponse,
  type GetStatsRequestSchema,
  type GetStatsResponse,
  type JournalEntry,
  type ListAgentsRequestSchema,
  type ListAgentsResponse,
  type ListToolsRequestSchema,
  type ListToolsResponse,
  type PublishRequestSchema,
  type PublishResponse,
  type ToolCallSchema,
  type ToolResult,
  type WatchAgentsRequestSchema,
  type WatchAgentsResponse,
} from "@loom-bridge/protocol/messages";
import type { BridgeClientOptions } from "./bridge-client-options.ts";
import { withEnvironment } from "./client-environment.ts";
import { parseAddress, refuseOpenWay } from "./connection/address.ts";
import { type CallOptions, Connection, defaultCallTimeoutMs } from "./connection/connection.ts";
import { createHeaderSource } from "./connection/metadata.ts";
import { TokenSource } from "./connection/token-source.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { type AgentMemory, createAgentMemory } from "./memory/agent-memory.ts";
import { MemoryCalls } from "./memory/memory-calls.ts";
import { createNodeTransport } from "./transport/node-transport.ts";
import { waitForAgents } from "./wait-for-agents.ts";

/** What bounds a call on the bridge's side is the tool's own time; this much later the client gives up on the bridge. */
const toolCallMarginMs = 5000;

/** A connection to a bridge, and the calls it answers. Every failure is a LoomError. */
export class BridgeClient extends MemoryCalls implements AsyncDisposable {
  /** The bridge's address, as a URL. */
  readonly address: string;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly #connection: Connection;
  readonly #beforeDisconnect = new Set<() => Promise<void>>();

  /** @throws LoomError `invalid_argument` for an address, a token or metadata that cannot be used. */
  constructor(options: BridgeClientOptions = {}) {
    const { credentials, token, agentId, ...configured } = withEnvironment(options);
    const address = parseAddress(configured.address, credentials !== undefined);
    const runtime = options.runtime ?? systemRuntime;
    const tokens = token === undefined ? undefined : new TokenSource(token, runtime);
    const sockets =
      options.transport === undefined
        ? createNodeTransport({ baseUrl: address, protocol: options.protocol ?? "grpc", credentials })
        : { transport: options.transport, close: () => Promise.resolve() };
    if (tokens !== undefined && options.transport === undefined && options.tokenWithoutTls !== true) {
      refuseOpenWay(address);
    }
    const connection = new Connection({
      address,
      transport: sockets.transport,
      closeTransport: sockets.close,
      headers: createHeaderSource(options.metadata ?? [], { tokens, agentId }),
      renewCredentials() {
        tokens?.renew();
        return tokens?.canRenew === true || typeof options.metadata === "function";
      },
      runtime,
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    });
    super(connection);
    this.address = address;
    this.runtime = runtime;
    this.logger = options.logger ?? silentLogger;
    this.#connection = connection;
  }

  /**
   * Makes sure that a bridge answers. Calls and streams do this by themselves when it was not done before.
   * @throws ConnectionError `unavailable`, when none does.
   */
  connect(): Promise<void> {
    return this.#connection.connect();
  }

  /** Stops the agents that use this client, ends its streams and calls, and closes the connection. */
  async disconnect(): Promise<void> {
    await Promise.all(Array.from(this.#beforeDisconnect, (callback) => callback()));
    await this.#connection.disconnect();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  /**
   * Opens a stream: the first message out must be Register. The call starts when the result is first read, and
   * leaving the loop ends it; disconnecting ends the loop. An `Agent` does all of this by itself.
   */
  stream(
    outbound: AsyncIterable<ClientEvent>,
    options: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<Delivery> {
    return this.#connection.stream(BridgeService.method.stream, outbound, options.signal);
  }

  /** Calls a tool. A tool that fails is a result with a status, not an error. */
  forwardToolCall(call: MessageInitShape<typeof ToolCallSchema>, options: CallOptions = {}): Promise<ToolResult> {
    const toolMs = Math.min(call.timeoutMs || limits.toolTimeoutDefaultMs, limits.toolTimeoutMaxMs);
    return this.#connection.unary(ActionService.method.forwardToolCall, call, {
      timeoutMs: toolMs + toolCallMarginMs,
      ...options,
    });
  }

  /** The memory of a session, which agents may share by its id. */
  memory(sessionId: string): AgentMemory {
    return createAgentMemory(this, sessionId, this.runtime.uuid());
  }

  listTools(
    request: MessageInitShape<typeof ListToolsRequestSchema> = {},
    options?: CallOptions,
  ): Promise<ListToolsResponse> {
    return this.#connection.unary(ActionService.method.listTools, request, options);
  }

  listAgents(
    request: MessageInitShape<typeof ListAgentsRequestSchema> = {},
    options?: CallOptions,
  ): Promise<ListAgentsResponse> {
    return this.#connection.unary(AgentService.method.listAgents, request, options);
  }

  /**
   * Who is connected (`PRESENT`, then one `COMPLETE`), then who comes and goes. Leaving the loop ends it; a lost
   * connection ends it with an error.
   */
  watchAgents(
    request: MessageInitShape<typeof WatchAgentsRequestSchema> = {},
    options: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<WatchAgentsResponse> {
    return this.#connection.stream(AgentService.method.watchAgents, one(request), options.signal);
  }

  /**
   * Resolves when all these agents are connected, through an outage of the bridge too.
   * @throws RequestTimeoutError that names who is missing after `timeoutMs`, default 30 000.
   */
  waitForAgents(ids: readonly string[], options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<void> {
    const { timeoutMs = defaultCallTimeoutMs, signal } = options;
    return waitForAgents({ client: this, ids, timeoutMs, signal });
  }

  /** What became of an event or a tool call, oldest first, for as long as the bridge remembers. */
  async explain(id: string, options?: CallOptions): Promise<JournalEntry[]> {
    return (await this.#connection.unary(BridgeService.method.explain, { id }, options)).entries;
  }

  /** Publishes one event without a session. */
  publish(request: MessageInitShape<typeof PublishRequestSchema>, options?: CallOptions): Promise<PublishResponse> {
    return this.#connection.unary(BridgeService.method.publish, request, options);
  }

  /** Tells who answers and what it offers. */
  getInfo(options?: CallOptions): Promise<GetInfoResponse> {
    return this.#connection.unary(BridgeService.method.getInfo, {}, options);
  }

  /** Counts of the event bus. */
  getStats(
    request: MessageInitShape<typeof GetStatsRequestSchema> = {},
    options?: CallOptions,
  ): Promise<GetStatsResponse> {
    return this.#connection.unary(BridgeService.method.getStats, request, options);
  }

  /** @internal Counts the connections that were given up. */
  get connectionGeneration(): number {
    return this.#connection.generation;
  }

  /** @internal Gives the connection up, unless it was already since this generation. */
  renewConnection(generation: number): Promise<void> {
    return this.#connection.renew(generation);
  }

  /** @internal The bridge refused the credentials; returns whether there may be others. */
  renewCredentials(): boolean {
    return this.#connection.renewCredentials();
  }

  /** @internal Has `callback` awaited at the start of every disconnect. Returns a function that takes it back. */
  onDisconnect(callback: () => Promise<void>): () => void {
    this.#beforeDisconnect.add(callback);
    return () => this.#beforeDisconnect.delete(callback);
  }
}

async function* one<Message>(message: Message): AsyncGenerator<Message> {
  yield message;
}
