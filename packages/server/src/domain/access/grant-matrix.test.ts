import assert from "node:assert/strict";
import { test } from "node:test";
import { agentSegment } from "@loom-bridge/protocol";
import fc from "fast-check";
import { Access } from "./access.ts";
import { type Act, acts, completeGrants, type Rules } from "./grants.ts";
import { anybody } from "./principal.ts";

// The rules as the documentation states them, as slow and as plain as can be.

interface Who {
  readonly subject: string;
  readonly tenant: string;
  readonly agent: string | undefined;
}

const anything = Symbol("anything");

/** Whether a pattern, piece by piece, fits a text. */
function globFits(pattern: readonly (string | typeof anything)[], text: string): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text === "";
  if (first === anything) return globFits(rest, text) || (text !== "" && globFits(pattern, text.slice(1)));
  return text.startsWith(first) && globFits(rest, text.slice(first.length));
}

function topicFits(pattern: readonly string[], topic: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  const [segment, ...others] = topic;
  if (first === "**" && rest.length === 0) return topic.length > 0;
  if (first === undefined || segment === undefined) return first === segment;
  return (first === "*" || first === segment) && topicFits(rest, others);
}

const unknown = Symbol("unknown");

function nameOf(part: string, who: Who): string | undefined | typeof unknown {
  const template = /^\{\{(subject|tenant|agent)\}\}$/.exec(part);
  return template === null ? undefined : who[template[1] as keyof Who] || unknown;
}

function patternFits(act: Act, pattern: string, resource: string, who: Who, isDeny: boolean): boolean {
  const parts = pattern.split(/(\{\{[a-z]+\}\})/);
  if (!isDeny && parts.some((part) => nameOf(part, who) === unknown)) return false;
  if (act.startsWith("topics.")) {
    const segments = pattern.split(".").map((segment) => {
      const names = segment.split(/(\{\{[a-z]+\}\})/).map((part) => nameOf(part, who) ?? part);
      return names.includes(unknown)
        ? "*"
        : names.map((name, i) => (i % 2 === 1 ? agentSegment(String(name)) : name)).join("");
    });
    const topic = resource.split(".");
    if (topic[0]?.startsWith("$") && segments[0] !== topic[0]) return false;
    return topicFits(segments, topic);
  }
  // A piece between two "*" with a name in it that is not known is any characters.
  const pieces = pattern.split("*").map((piece) => {
    const names = piece.split(/(\{\{[a-z]+\}\})/).map((part) => nameOf(part, who) ?? part);
    return names.includes(unknown) ? anything : names.join("");
  });
  return globFits(
    pieces.flatMap((piece, place) => (place === 0 ? [piece] : [anything, piece])),
    resource,
  );
}

function isAllowed(act: Act, { allow, deny }: Rules, resource: string, who: Who): boolean {
  const names = act === "topics.subscribe" && resource.startsWith("$dlq.") ? [resource, resource.slice(5)] : [resource];
  const fits = (pattern: string, isDeny: boolean): boolean =>
    names.some((name) => patternFits(act, pattern, name, who, isDeny));
  return !deny.some((pattern) => fits(pattern, true)) && allow.some((pattern) => fits(pattern, false));
}

const name = fc.constantFrom("a", "b", "a.b", "*", "a*", "");
const template = fc.constantFrom("{{subject}}", "{{tenant}}", "{{agent}}");
const word = fc.constantFrom("a", "b", "ab", "c");
const topicPattern = fc
  .array(
    fc.oneof(
      word,
      fc.constant("*"),
      template,
      fc.tuple(word, template).map((both) => both.join("")),
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .chain((segments) =>
    fc.constantFrom(segments, [...segments, "**"], ["$sys", ...segments], ["$dlq", ...segments, "**"], ["**"]),
  )
  .map((segments) => segments.join("."));
const topic = fc
  .array(fc.oneof(word, fc.constantFrom("a:2eb", ":2a")), { minLength: 1, maxLength: 4 })
  .chain((segments) => fc.constantFrom(segments, segments, ["$sys", ...segments], ["$dlq", ...segments]))
  .map((segments) => segments.join("."));
const idPattern = fc
  .array(fc.oneof(word, fc.constant("*"), fc.constant(":"), template), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(""));
const id = fc
  .array(fc.oneof(word, fc.constantFrom(":", "*", "a.b")), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(""));

test("any rules decide of anything, for anybody, as their slow and plain reading does", () => {
  const anyAct = fc.constantFrom(...acts);
  fc.assert(
    fc.property(
      anyAct.chain((act) => {
        const [pattern, resource] = act.startsWith("topics.") ? [topicPattern, topic] : [idPattern, id];
        return fc.record({
          act: fc.constant(act),
          rules: fc.record({ allow: fc.array(pattern, { maxLength: 3 }), deny: fc.array(pattern, { maxLength: 2 }) }),
          resources: fc.array(resource, { minLength: 1, maxLength: 8 }),
          who: fc.record({ subject: name, tenant: name, agent: fc.option(name, { nil: undefined }) }),
        });
      }),
      ({ act, rules, resources, who }) => {
        const { subject, tenant, agent } = who;
        const whole = new Access({ ...anybody, subject, tenant, grants: completeGrants({ [act]: rules }) });
        const access = agent === undefined ? whole : whole.as(agent);
        for (const resource of resources) {
          const expected = isAllowed(act, rules, resource, who);
          // Twice: the second answer may come from memory.
          assert.equal(access.may(act, resource), expected, `${act} ${resource}`);
          assert.equal(access.may(act, resource), expected, `${act} ${resource}, again`);
        }
      },
    ),
    { numRuns: 3000 },
  );
});
