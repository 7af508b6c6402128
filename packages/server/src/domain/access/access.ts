import { type LoomError, parseFilter, repliesTopic } from "@loom-bridge/protocol";
import type { Presented } from "./authenticator.ts";
import { type Act, everything } from "./grants.ts";
import type { Names } from "./pattern.ts";
import type { Principal } from "./principal.ts";
import { permissionDenied } from "./refusals.ts";
import { createRuleList, type Decision, type FilterDecision, type RuleList } from "./rule-list.ts";

/** Told what was refused to whom, and by which rule; none where nothing allows it. */
export type OnDenied = (access: Access, act: Act, resource: string, rule: string | undefined) => void;

export interface AccessOptions {
  readonly onDenied?: OnDenied | undefined;
  readonly agentId?: string;
  readonly presented?: Presented | undefined;
}

/** Topics whose decision is kept. More are asked for seldom, and decided anew. */
const maxDecisions = 512;
const deadLetterPrefix = "$dlq.";
const presencePrefix = "$sys.agents.";
/** Where the bridge tells that a tool is described otherwise than before. */
export const toolsChangedTopic = "$sys.tools.changed";

/** What one principal may do, on its own behalf or as one of its agents. The one place that decides. */
export class Access {
  readonly agentId: string | undefined;
  /** What it was let in for. Undefined: somebody else vouches for it. */
  readonly presented: Presented | undefined;
  readonly #onDenied: OnDenied | undefined;
  /** Its agent's own topic for replies, which nobody has to grant. */
  readonly #replies: string | undefined;
  #principal: Principal;
  /** Made when they are needed: most bridges restrict nobody, and each agent has two of these. */
  #lists: Map<Act, RuleList> | undefined;
  #publishes: Map<string, boolean> | undefined;
  #hears: Map<string, boolean> | undefined;

  constructor(principal: Principal, options: AccessOptions = {}) {
    this.#principal = principal;
    this.#onDenied = options.onDenied;
    this.agentId = options.agentId;
    this.#replies = options.agentId === undefined ? undefined : repliesTopic(options.agentId);
    this.presented = options.presented;
  }

  get principal(): Principal {
    return this.#principal;
  }

  /** By what its principal is told from others. Empty where nobody asked who it is. */
  get owner(): string {
    const { tenant, subject } = this.#principal;
    return subject === "" ? "" : JSON.stringify([tenant, subject]);
  }

  /** Whether there is nothing that may be refused. */
  get isUnrestricted(): boolean {
    return this.#principal.grants === everything;
  }

  /** The same principal, as an agent that it may be. */
  as(agentId: string): Access {
    return new Access(this.#principal, { onDenied: this.#onDenied, presented: this.presented, agentId });
  }

  /** The same principal, for none of its agents. */
  withoutAgent(): Access {
    return new Access(this.#principal, { onDenied: this.#onDenied, presented: this.presented });
  }

  /** Goes on with what the principal is now. */
  renew(principal: Principal): void {
    this.#principal = principal;
    this.#lists = undefined;
    this.#publishes = undefined;
    this.#hears = undefined;
  }

  may(act: Act, resource: string): boolean {
    if (this.isUnrestricted) return true;
    const decide = (): boolean => this.decide(act, resource).allowed;
    if (act === "topics.publish") return remember((this.#publishes ??= new Map()), resource, decide);
    if (act === "topics.subscribe") return remember((this.#hears ??= new Map()), resource, decide);
    return decide();
  }

  /** @throws LoomError `permission_denied`. */
  check(act: Act, resource: string): void {
    if (!this.may(act, resource)) throw this.deny(act, resource, this.decide(act, resource).rule);
  }

  /** Notes a refusal and returns it. */
  deny(act: Act, resource: string, rule: string | undefined): LoomError {
    this.#onDenied?.(this, act, resource, rule);
    return permissionDenied(act, resource);
  }

  decide(act: Act, resource: string): Decision {
    return this.#list(act).decide(act === "topics.subscribe" ? namesOf(resource) : [resource]);
  }

  /** How much of what a filter matches may be heard. */
  hear(filter: string): FilterDecision {
    if (this.isUnrestricted) return { hearing: "all", rule: undefined };
    if (filter === this.#replies) return { hearing: "all", rule: "its own replies" };
    const decision = this.#list("topics.subscribe").hear(namesOf(filter).map(parseFilter));
    // Of the agents, nobody hears more than of those that it may see.
    return decision.hearing === "all" && filter.startsWith("$sys.") ? { ...decision, hearing: "some" } : decision;
  }

  /** Whether an event may be heard. `about` is the agent or the tool that an event of the bridge tells of. */
  mayHear(topic: string, about: string): boolean {
    if (topic === this.#replies) return true;
    return this.may("topics.subscribe", topic) && this.#mayHearAbout(topic, about);
  }

  /** What the bridge tells of an agent or a tool is for those who may know of it. */
  #mayHearAbout(topic: string, about: string): boolean {
    if (topic.startsWith(presencePrefix)) return this.may("agents.see", about);
    return topic !== toolsChangedTopic || this.may("tools.call", about);
  }

  #list(act: Act): RuleList {
    this.#lists ??= new Map();
    let list = this.#lists.get(act);
    if (list === undefined) {
      const { subject, tenant, grants } = this.#principal;
      const names: Names = { subject, tenant, agent: this.agentId };
      list = createRuleList(grants[act], names, act.startsWith("topics."));
      this.#lists.set(act, list);
    }
    return list;
  }
}

/** A dead letter is its event: whoever may hear the event's topic may hear it, and whoever may not, may not. */
function namesOf(topic: string): string[] {
  return topic.startsWith(deadLetterPrefix) ? [topic, topic.slice(deadLetterPrefix.length)] : [topic];
}

function remember(decisions: Map<string, boolean>, topic: string, decide: () => boolean): boolean {
  let decision = decisions.get(topic);
  if (decision === undefined) {
    decision = decide();
    if (decisions.size >= maxDecisions) decisions.clear();
    decisions.set(topic, decision);
  }
  return decision;
}
