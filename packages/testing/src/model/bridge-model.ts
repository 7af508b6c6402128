import { topicMatches } from "../topic-matches.ts";

/** What an agent of the model is known to have. */
export interface ModelAgent {
  readonly filters: readonly string[];
  readonly tools: readonly string[];
  /** The ids of the events that its session must have heard, in order of their publication. */
  readonly expected: string[];
}

/** The reference: what a bridge must know, in the plainest form. */
export class BridgeModel {
  /** By the number of the agent. */
  readonly agents: Map<number, ModelAgent> = new Map<number, ModelAgent>();
  published = 0;
  calls = 0;
  plans = 0;

  isOnline(agent: number): boolean {
    return this.agents.has(agent);
  }

  register(agent: number, filters: readonly string[], tools: readonly string[]): void {
    this.agents.set(agent, { filters, tools, expected: [] });
  }

  leave(agent: number): void {
    this.agents.delete(agent);
  }

  /** Everybody who must get an event on a topic: each once, however its filters overlap. */
  subscribers(topic: string): number[] {
    return [...this.agents]
      .filter(([, { filters }]) => filters.some((one) => topicMatches(one, topic)))
      .map(([agent]) => agent);
  }

  providers(tool: string): number[] {
    return [...this.agents].filter(([, { tools }]) => tools.includes(tool)).map(([agent]) => agent);
  }

  restart(): void {
    this.agents.clear();
  }
}

/** The bridge that is judged, and the streams that it has. */
export interface RealBridge<Target, Session> {
  readonly target: Target;
  readonly sessions: Map<number, Session>;
  /** Every stream that agents have opened, oldest first. */
  readonly opened: Session[];
  /** The commands so far, by name; the last one may still run. */
  readonly done: string[];
}
