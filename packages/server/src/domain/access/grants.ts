/** What grants speak of. The first word is what it is done to. */
export const acts = [
  "agents.as",
  "agents.see",
  "topics.publish",
  "topics.subscribe",
  "tools.call",
  "tools.provide",
  "memory.read",
  "memory.write",
  "admin",
] as const;

/** What may be granted or denied, such as `topics.publish`. */
export type Act = (typeof acts)[number];

/**
 * Patterns, of which a deny beats every allow, and what none allows is denied. For topics they are filters, with `*` for
 * one segment and a trailing `**` for any depth. For all else `*` stands for any characters. In both, `{{subject}}`,
 * `{{agent}}` and `{{tenant}}` stand for who asks.
 */
export interface Rules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** What somebody may do. */
export type Grants = Readonly<Record<Act, Rules>>;

const none: Rules = { allow: [], deny: [] };

/** Fills in what is left out: nothing, except that one may see the agents that one may be. */
export function completeGrants(given: Partial<Grants>): Grants {
  const see = given["agents.see"] ?? given["agents.as"] ?? none;
  return { ...(Object.fromEntries(acts.map((act) => [act, none])) as Grants), ...given, "agents.see": see };
}

/** For a bridge that asks nobody who they are. */
export const everything: Grants = Object.fromEntries(
  acts.map((act) => [act, { allow: act.startsWith("topics.") ? ["**", "$sys.**", "$dlq.**"] : ["*"], deny: [] }]),
) as unknown as Grants;
