import { envelopeKeys, LoomError, type Runtime, repliesTopic } from "@loom-bridge/protocol";
import type { PublishReceipt } from "../connection/publish-receipt.ts";
import type { ErrorReporter } from "../errors/error-reporter.ts";
import type { AgentMemory } from "../memory/agent-memory.ts";
import type { CallToolOptions } from "../tools/call-tool-options.ts";
import type { Tool } from "../tools/define-tool.ts";
import type { Envelope } from "./envelope.ts";
import { chainAfter, type EventChain } from "./event-chain.ts";
import type { EventInit } from "./event-init.ts";
import type { EventSettle } from "./event-settle.ts";
import type { Payload } from "./payload.ts";
import type { RequestOptions } from "./request-options.ts";

/** What a handler can do about an event. What it sends belongs to the event's thread and trace. */
export interface EventContext {
  readonly agentId: string;
  /** The event that is handled. */
  readonly envelope: Envelope;
  /** Aborts when the agent stops or its stream ends. */
  readonly signal: AbortSignal;
  readonly memory: AgentMemory;
  /** Settles an event that is delivered at least once otherwise than by returning or throwing. */
  readonly settle: EventSettle;
  /** Publishes an event and waits for the bridge's answer. */
  emit(topic: string, type: string, payload?: Payload): Promise<PublishReceipt>;
  emit(topic: string, event: EventInit): Promise<PublishReceipt>;
  /** Asks on a topic and waits for the first reply. It works inside a handler: replies do not wait for handlers. */
  request(topic: string, payload?: Payload, options?: RequestOptions): Promise<Envelope>;
  /**
   * Answers the event, on its reply topic or else its sender's.
   * @throws LoomError `failed_precondition` when it has neither.
   */
  reply(payload?: Payload, options?: Partial<EventInit>): Promise<PublishReceipt>;
  /** Calls a tool and returns its output, typed where the tool itself is given. */
  tool<Args, Result>(tool: Tool<Args, Result>, options: ToolOptions & { payload: Args }): Promise<Result>;
  tool(name: string, options?: ToolOptions): Promise<unknown>;
}

/** How a handler calls a tool: a call's options, and its arguments. */
export interface ToolOptions extends CallToolOptions {
  /** The arguments. Default: none. */
  payload?: unknown;
}

/** What a context needs of its agent. */
export interface ContextAgent {
  readonly id: string;
  readonly memory: AgentMemory;
  publish(topic: string, event: EventInit): Promise<PublishReceipt>;
  request(topic: string, payload?: Payload, options?: RequestOptions): Promise<Envelope>;
  callTool(tool: string | Tool, args?: unknown, options?: CallToolOptions): Promise<unknown>;
}

/** What all handlers of an agent share. */
export interface HandlerParts {
  readonly agent: ContextAgent;
  readonly runtime: Runtime;
  readonly onError: ErrorReporter;
  /** Aborts when the agent ends. */
  readonly signal: AbortSignal;
}

export function createEventContext(
  parts: HandlerParts,
  envelope: Envelope,
  settle: EventSettle,
  receivedMs: number,
): EventContext {
  return new HandlerContext(parts, envelope, settle, receivedMs);
}

/** Its functions are made when they are asked for: most handlers use none, and those that do may take them apart. */
class HandlerContext implements EventContext {
  readonly agentId: string;
  readonly envelope: Envelope;
  readonly signal: AbortSignal;
  readonly settle: EventSettle;
  readonly #parts: HandlerParts;
  readonly #receivedMs: number;

  constructor(parts: HandlerParts, envelope: Envelope, settle: EventSettle, receivedMs: number) {
    this.agentId = parts.agent.id;
    this.envelope = envelope;
    this.signal = parts.signal;
    this.settle = settle;
    this.#parts = parts;
    this.#receivedMs = receivedMs;
  }

  get memory(): AgentMemory {
    return this.#parts.agent.memory;
  }

  get emit(): EventContext["emit"] {
    return (topic: string, event: string | EventInit, payload?: Payload) => {
      const init = typeof event === "string" ? { type: event, payload } : event;
      return this.#parts.agent.publish(topic, { ...this.#inherited(), ...init });
    };
  }

  get request(): EventContext["request"] {
    return (topic, payload, options) => this.#parts.agent.request(topic, payload, { ...this.#inherited(), ...options });
  }

  get reply(): EventContext["reply"] {
    return async (payload, options) => {
      const correlationId = this.envelope.correlationId ?? this.envelope.id;
      const init = { ...this.#inherited(), type: "reply", correlationId, payload, ...options };
      return this.#parts.agent.publish(replyTopic(this.envelope), init);
    };
  }

  get tool(): EventContext["tool"] {
    return <Result>(tool: string | Tool<unknown, Result>, options?: ToolOptions) => this.#callTool(tool, options);
  }

  async #callTool<Result>(tool: string | Tool<unknown, Result>, options: ToolOptions = {}): Promise<Result> {
    const { payload, ...others } = options;
    const headers = { ...traceHeaders(this.envelope), ...others.headers };
    return (await this.#parts.agent.callTool(tool, payload, { chain: this.#chain(), ...others, headers })) as Result;
  }

  /** What a handler does is the second step of a chain at least, so that a loop is seen wherever it began. */
  #chain(): EventChain {
    const { runtime } = this.#parts;
    return chainAfter(this.envelope.chain ?? {}, runtime.monotonic() - this.#receivedMs);
  }

  #inherited() {
    const { threadId, traceId, spanId, traceFlags } = this.envelope;
    return { threadId, traceId, spanId, traceFlags, chain: this.#chain() };
  }
}

function replyTopic(envelope: Envelope): string {
  if (envelope.replyTo !== undefined) return envelope.replyTo;
  if (envelope.sender !== undefined) return repliesTopic(envelope.sender);
  const message = `event ${JSON.stringify(envelope.id)} names neither a reply topic nor a sender to reply to`;
  throw new LoomError("failed_precondition", message);
}

function traceHeaders(envelope: Envelope): Record<string, string> {
  const { traceId, spanId, traceFlags = 0 } = envelope;
  if (traceId === undefined || spanId === undefined) return {};
  return {
    [envelopeKeys.traceId]: traceId,
    [envelopeKeys.spanId]: spanId,
    [envelopeKeys.traceFlags]: String(traceFlags),
  };
}
