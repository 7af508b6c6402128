import type { Agent, CallToolOptions, Envelope, EventInit, PublishReceipt, Tool } from "@loom-bridge/client";
import { repliesTopic } from "@loom-bridge/client";
import type { Clock } from "../clock/clock.ts";
import type { Duration } from "../clock/duration.ts";
import type { Fail } from "../world-error.ts";
import { describeMatch, type EventMatch, matchesEvent, type TopicPayloads, unmatched } from "./match.ts";
import { describeEvent, type ProbeEvent, toProbeEvent } from "./probe-event.ts";

/** How long a probe waits for an event. */
export interface ExpectOptions {
  /** The longest time to wait, on the bridge's clock: no real time in a virtual world. Default: one minute. */
  readonly within?: Duration;
}

/** How long no event may come. */
export interface ExpectNoneOptions {
  /** Lets so much time pass first. Default: none; what is under way arrives anyway. */
  readonly for?: Duration;
}

type TopicOf<Topics> = keyof Topics & string;

/**
 * An agent of the test: it keeps what it receives until the test asks, and everything it is asked to do lets the
 * bridge's time pass as far as that takes.
 */
export interface Probe<Topics extends TopicPayloads = TopicPayloads> {
  readonly id: string;
  /** The agent itself. What it returns needs `run()` in a virtual world. */
  readonly agent: Agent;
  /** Everything received so far, what was taken by expectations included. */
  readonly history: readonly ProbeEvent<Topics[TopicOf<Topics>]>[];
  /** Received, and not asked for yet. */
  readonly unread: readonly ProbeEvent<Topics[TopicOf<Topics>]>[];

  /** Publishes a payload as JSON, with the topic's last segment as type, or a whole event. */
  publish<Topic extends TopicOf<Topics>>(
    topic: Topic,
    payload: Topics[Topic],
    event?: Partial<EventInit>,
  ): Promise<PublishReceipt>;
  /** Asks on a topic, and resolves with the first reply. */
  request<Topic extends TopicOf<Topics>>(
    topic: Topic,
    payload: Topics[Topic],
    options?: ExpectOptions,
  ): Promise<ProbeEvent>;
  /** Answers an event that came. */
  reply(event: ProbeEvent, payload: unknown): Promise<PublishReceipt>;
  callTool<Args, Result>(tool: Tool<Args, Result>, args: Args, options?: CallToolOptions): Promise<Result>;
  callTool(name: string, args?: unknown, options?: CallToolOptions): Promise<unknown>;

  /** The next event must match, and is returned. */
  expectNext<Topic extends TopicOf<Topics>>(
    match?: EventMatch<Topic, Topics[Topic]>,
    options?: ExpectOptions,
  ): Promise<ProbeEvent<Topics[Topic]>>;
  /** The next so many events, whatever they are. */
  expectNextN(count: number, options?: ExpectOptions): Promise<ProbeEvent<Topics[TopicOf<Topics>]>[]>;
  /** Takes events until one matches, and returns that one. */
  fishFor<Topic extends TopicOf<Topics>>(
    match: EventMatch<Topic, Topics[Topic]>,
    options?: ExpectOptions,
  ): Promise<ProbeEvent<Topics[Topic]>>;
  /** Nothing has come, nothing is under way, and nothing comes within the time given. Takes no real time. */
  expectNone(options?: ExpectNoneOptions): Promise<void>;
  /** The next events match, one each, in any order. */
  expectUnordered(matches: readonly EventMatch[], options?: ExpectOptions): Promise<ProbeEvent[]>;
  /** All of these come, in any order; others between them are passed over. */
  expectAllOf(matches: readonly EventMatch[], options?: ExpectOptions): Promise<ProbeEvent[]>;
  /** Takes and returns what was received and not asked for. */
  drain(): ProbeEvent<Topics[TopicOf<Topics>]>[];
}

/** Where a probe's agent puts what it receives. */
export interface ProbeInbox {
  readonly received: ProbeEvent[];
  readonly onEvent: (context: unknown, envelope: Envelope) => void;
}

export function createProbeInbox(clock: Clock): ProbeInbox {
  const received: ProbeEvent[] = [];
  return { received, onEvent: (_, envelope) => void received.push(toProbeEvent(envelope, clock.elapsedMs())) };
}

export interface ProbeOptions {
  readonly agent: Agent;
  readonly inbox: ProbeInbox;
  readonly clock: Clock;
  readonly fail: Fail;
}

const defaultWithin: Duration = "1m";

export function createProbe({ agent, inbox, clock, fail }: ProbeOptions): Probe {
  const { received } = inbox;
  let taken = 0;
  const unread = (): ProbeEvent[] => received.slice(taken);
  const listOf = (events: readonly ProbeEvent[]): string =>
    events.length === 0 ? "nothing" : events.map((event) => `\n  ${describeEvent(event)}`).join("");
  const unexpected = (expected: string): Error =>
    fail("expectation", `${agent.id} expected ${expected}, and received${listOf(unread().slice(0, 10))}`);

  const until = async (isThere: () => boolean, what: string, { within = defaultWithin }: ExpectOptions = {}) => {
    if (isThere()) return;
    try {
      await clock.runUntil(isThere, { within, what: `${agent.id} to receive ${what}` });
    } catch (cause) {
      if (taken < received.length) throw unexpected(`${what} within ${within}`);
      throw cause;
    }
  };
  const take = (count: number): ProbeEvent[] => {
    taken += count;
    return received.slice(taken - count, taken);
  };

  return {
    id: agent.id,
    agent,
    get history() {
      return received.slice();
    },
    get unread() {
      return unread();
    },
    publish(topic, payload, event) {
      const type = topic.slice(topic.lastIndexOf(".") + 1);
      const init: EventInit = { type, payload: payload as EventInit["payload"], ...event };
      return clock.run(agent.publish(topic, init), { what: `the receipt of what ${agent.id} published on ${topic}` });
    },
    async request(topic, payload, { within = defaultWithin } = {}) {
      const asking = agent.request(topic, payload as EventInit["payload"]);
      const reply = await clock.run(asking, { within, what: `the reply to what ${agent.id} asked on ${topic}` });
      return toProbeEvent(reply, clock.elapsedMs());
    },
    reply({ envelope }, payload) {
      const topic = envelope.replyTo ?? repliesTopic(envelope.sender ?? "");
      const correlationId = envelope.correlationId ?? envelope.id;
      const event: EventInit = { type: "reply", correlationId, payload: payload as EventInit["payload"] };
      return clock.run(agent.publish(topic, event), { what: `the receipt of a reply of ${agent.id}` });
    },
    callTool(tool: string | Tool, args?: unknown, options?: CallToolOptions) {
      const [call, name] =
        typeof tool === "string"
          ? [agent.callTool(tool, args, options), tool]
          : [agent.callTool(tool, args, options), tool.name];
      return clock.run(call, { what: `the result of ${name}, which ${agent.id} called` }) as Promise<never>;
    },
    async expectNext(match, options) {
      const what = describeMatch(match as EventMatch);
      await until(() => taken < received.length, what, options);
      if (!matchesEvent(match as EventMatch, received[taken] as ProbeEvent)) throw unexpected(what);
      return take(1)[0] as ProbeEvent<never>;
    },
    async expectNextN(count, options) {
      await until(() => received.length - taken >= count, `${count} events`, options);
      return take(count);
    },
    async fishFor(match, options) {
      const isWanted = (event: ProbeEvent): boolean => matchesEvent(match as EventMatch, event);
      await until(() => unread().some(isWanted), describeMatch(match as EventMatch), options);
      return take(unread().findIndex(isWanted) + 1).at(-1) as ProbeEvent<never>;
    },
    async expectNone(options = {}) {
      if (options.for !== undefined) await clock.advance(options.for);
      await clock.settle();
      if (taken < received.length) throw unexpected("nothing");
    },
    async expectUnordered(matches, options) {
      const what = `${matches.length} events, in any order: ${matches.map(describeMatch).join("; ")}`;
      await until(() => received.length - taken >= matches.length, what, options);
      const [missing] = unmatched(matches, unread().slice(0, matches.length));
      if (missing !== undefined) throw unexpected(`${what}; nothing was ${describeMatch(missing)}`);
      return take(matches.length);
    },
    async expectAllOf(matches, options) {
      const what = `all of: ${matches.map(describeMatch).join("; ")}`;
      await until(() => unmatched(matches, unread()).length === 0, what, options);
      let count = matches.length;
      while (unmatched(matches, unread().slice(0, count)).length > 0) count += 1;
      return take(count);
    },
    drain: () => take(received.length - taken),
  };
}
