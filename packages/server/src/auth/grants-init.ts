import { LoomError, parseFilter } from "@loom-bridge/protocol";
import { z } from "zod";
import { type Act, acts, completeGrants, type Grants, type Rules } from "../domain/access/grants.ts";

/** Patterns that are allowed, or what is allowed and what is denied. */
export type RulesInit =
  | readonly string[]
  | { readonly allow?: readonly string[] | undefined; readonly deny?: readonly string[] | undefined };

/**
 * What somebody may do, as a file, a claim or a function says it. What is left out is not allowed. A deny beats every
 * allow. Topics are filters (`orders.*`, `orders.**`); in ids, `*` is any characters. `{{subject}}`, `{{agent}}` and
 * `{{tenant}}` stand for who asks.
 */
export interface GrantsInit {
  /** Which agents one may be, and which ones one may see in the directory. Default of `see`: those that one may be. */
  readonly agents?: { readonly as?: RulesInit | undefined; readonly see?: RulesInit | undefined } | undefined;
  readonly topics?:
    | { readonly publish?: RulesInit | undefined; readonly subscribe?: RulesInit | undefined }
    | undefined;
  readonly tools?: { readonly call?: RulesInit | undefined; readonly provide?: RulesInit | undefined } | undefined;
  /** By session id. */
  readonly memory?: { readonly read?: RulesInit | undefined; readonly write?: RulesInit | undefined } | undefined;
  /** `observe`: statistics and the journal of everybody. `reload`: keys and rules. */
  readonly admin?: RulesInit | undefined;
}

/** Patterns of one list: more would make every decision slow. */
const maxPatterns = 256;
const maxPatternBytes = 256;

const idPattern = z.string().superRefine((text, context) => refuse(context, problemWithId(text)));
const topicPattern = z.string().superRefine((text, context) => refuse(context, problemWithTopic(text)));
const ids = rules(idPattern);
const topics = rules(topicPattern);

/** Checks the form of grants, for others that grants are a part of. */
export const grantsSchema: z.ZodType<GrantsInit> = z.strictObject({
  agents: z.strictObject({ as: ids, see: ids }).partial().optional(),
  topics: z.strictObject({ publish: topics, subscribe: topics }).partial().optional(),
  tools: z.strictObject({ call: ids, provide: ids }).partial().optional(),
  memory: z.strictObject({ read: ids, write: ids }).partial().optional(),
  admin: rules(z.enum(["observe", "reload", "*"])).optional(),
});

function rules<Pattern extends z.ZodType<string>>(pattern: Pattern) {
  const list = z.array(pattern).max(maxPatterns);
  return z.union([list, z.strictObject({ allow: list.optional(), deny: list.optional() })]).optional();
}

/** Grants of several parts together: what one of them allows is allowed, what one of them denies is denied. */
export function mergeGrants(parts: readonly GrantsInit[]): Grants {
  const merged = new Map<Act, { allow: string[]; deny: string[] }>();
  for (const part of parts) {
    for (const act of acts) {
      const given = rulesOf(part, act);
      if (given === undefined) continue;
      const { allow, deny } = merged.get(act) ?? { allow: [], deny: [] };
      merged.set(act, { allow: [...allow, ...given.allow], deny: [...deny, ...given.deny] });
    }
  }
  return completeGrants(Object.fromEntries(merged));
}

function rulesOf(grants: GrantsInit, act: Act): Rules | undefined {
  const [group, name] = act.split(".") as [keyof GrantsInit, string | undefined];
  const given = name === undefined ? grants.admin : (grants[group] as Record<string, RulesInit> | undefined)?.[name];
  if (given === undefined) return undefined;
  if (isList(given)) return { allow: given, deny: [] };
  return { allow: given.allow ?? [], deny: given.deny ?? [] };
}

function isList(rules: RulesInit): rules is readonly string[] {
  return Array.isArray(rules);
}

function problemWithId(text: string): string | undefined {
  if (text === "") return "is empty; leave it out, or write * for everything";
  const bytes = Buffer.byteLength(text);
  if (bytes > maxPatternBytes) return `has ${bytes} bytes; at most ${maxPatternBytes} are allowed`;
  return problemWithNames(text);
}

function problemWithTopic(text: string): string | undefined {
  const names = problemWithNames(text);
  if (names !== undefined) return names;
  try {
    parseFilter(text.replaceAll(/\{\{(?:subject|agent|tenant)\}\}/g, "x"));
    return undefined;
  } catch (error) {
    return LoomError.isInstance(error) ? error.rawMessage.replace(/^filter "[^"]*" /, "") : String(error);
  }
}

function problemWithNames(text: string): string | undefined {
  const odd = /\{\{(?!(?:subject|agent|tenant)\}\})[^}]*\}?\}?/.exec(text)?.[0];
  return odd === undefined ? undefined : `names ${odd}; known are {{subject}}, {{agent}} and {{tenant}}`;
}

function refuse(context: z.RefinementCtx, problem: string | undefined): void {
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
}
