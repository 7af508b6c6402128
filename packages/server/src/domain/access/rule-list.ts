import type { Rules } from "./grants.ts";
import { createIdPattern, createTopicPattern, type Names, type Pattern } from "./pattern.ts";

/** What the rules say to something, and which one decides. Without a rule, none allows it. */
export interface Decision {
  readonly allowed: boolean;
  readonly rule: string | undefined;
}

/** How much of what a filter matches may be heard. */
export type Hearing = "all" | "some" | "none";

/** What the rules say to a filter, and which one decides. */
export interface FilterDecision {
  readonly hearing: Hearing;
  readonly rule: string | undefined;
}

/**
 * The rules of one act, for one who asks. What is asked about may have several names, such as a dead letter's topic and
 * that of its event: one allowed name is enough, and so is one that is denied.
 */
export interface RuleList {
  decide(names: readonly string[]): Decision;
  /** What the rules, which are over topics, say to a filter. One allow has to cover the whole of it. */
  hear(filters: readonly (readonly string[])[]): FilterDecision;
}

export function createRuleList({ allow, deny }: Rules, names: Names, areTopics: boolean): RuleList {
  const create = areTopics ? createTopicPattern : createIdPattern;
  const allows = compile(allow, false);
  const denies = compile(deny, true);

  function compile(texts: readonly string[], isDeny: boolean): { text: string; pattern: Pattern }[] {
    const patterns: { text: string; pattern: Pattern }[] = [];
    for (const text of texts) {
      const pattern = create(text, names, isDeny);
      if (pattern !== undefined) patterns.push({ text, pattern });
    }
    return patterns;
  }

  return {
    decide(resources) {
      const matching = ({ pattern }: { pattern: Pattern }): boolean => resources.some((name) => pattern.matches(name));
      const denied = denies.find(matching);
      if (denied !== undefined) return { allowed: false, rule: `deny ${denied.text}` };
      const allowed = allows.find(matching);
      return { allowed: allowed !== undefined, rule: allowed && `allow ${allowed.text}` };
    },
    hear(filters) {
      const covering = ({ pattern }: { pattern: Pattern }): boolean => filters.some((filter) => pattern.covers(filter));
      const denied = denies.find(covering);
      if (denied !== undefined) return { hearing: "none", rule: `deny ${denied.text}` };
      const allowed = allows.find(covering);
      if (allowed === undefined) return { hearing: "none", rule: undefined };
      const within = denies.find(({ pattern }) => filters.some((filter) => pattern.overlaps(filter)));
      if (within !== undefined) return { hearing: "some", rule: `deny ${within.text}` };
      return { hearing: "all", rule: `allow ${allowed.text}` };
    },
  };
}
