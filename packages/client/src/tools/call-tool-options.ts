import type { EventChain } from "../events/event-chain.ts";
import type { ToolContext } from "./tool-context.ts";

/** How one call of a tool is made: how long it may take, and what makes it safe to repeat. */
export interface CallToolOptions {
  /** How long the call may take, in milliseconds. Default: 30 000; at most 600 000. */
  timeoutMs?: number;
  /** Identifies the call: repeating an id within two minutes returns the first result. Default: the bridge's choice. */
  id?: string;
  /**
   * Names what the call is to bring about, across callers and retries: the same key and the same arguments get the
   * same result, for 24 hours; other arguments are refused with `failed_precondition`. A call with a key is repeated by
   * itself when the stream breaks. Default: none, or one of the client's for a tool that is known to be idempotent.
   */
  idempotencyKey?: string;
  /**
   * The `hash` of the tool's description in `listTools` that you, or a person, have looked at. When the tool is described
   * otherwise by now, the call is refused with `failed_precondition`. Default: none, any description will do.
   */
  toolHash?: string;
  /** Free pairs for the provider. */
  headers?: Readonly<Record<string, string>>;
  correlationId?: string;
  /** The chain that led to the call; a handler's context passes its own on. */
  chain?: EventChain | undefined;
  /**
   * The context of the call that a tool serves with this one. It is a part of that call then: refused unless everybody in
   * its `callers` may call the tool too, told to its provider, and with its chain unless another is given. Default: the
   * agent calls for itself, by its own rights alone.
   */
  onBehalfOf?: ToolContext | undefined;
  /** Cancels the call, also at its provider. */
  signal?: AbortSignal;
}
