import { isLike, type Like } from "../probes/match.ts";
import { WorldError } from "../world-error.ts";

/** What a model is asked with; whatever an agent passes to it. */
export interface ScriptedAnswer<Prompt, Reply> {
  /** Which prompts: text that they contain, what they hold at least, or a function that decides. Default: every one. */
  readonly when?: string | RegExp | Like<Prompt> | ((prompt: Prompt) => boolean);
  /** What the model says, or what a function makes of the prompt. Throw to fail. */
  readonly reply: Reply | ((prompt: Prompt) => Reply | Promise<Reply>);
  /** How many prompts get this answer, all of which must come. Default: as many as come, and none need. */
  readonly times?: number;
}

/** Stands in for a language model in the test of an agent that asks one. */
export interface ScriptedModel<Prompt, Reply> {
  /** Asks it. Pass this to the agent in the place of its model. */
  complete(prompt: Prompt): Promise<Reply>;
  /** What it was asked so far, with what it said. */
  readonly prompts: readonly { readonly prompt: Prompt; readonly reply: Reply | undefined }[];
  /** @throws WorldError that lists answers which were to be used and were not. */
  assertConsumed(): void;
}

/**
 * A model that says what the test says, by what it is asked and not by when: one more question changes no other answer.
 * A prompt that no answer is for fails with the prompt and the answers there are.
 */
export function scriptedModel<Prompt = string, Reply = string>(
  answers: readonly ScriptedAnswer<Prompt, Reply>[],
): ScriptedModel<Prompt, Reply> {
  const used = new Map<ScriptedAnswer<Prompt, Reply>, number>();
  const prompts: { prompt: Prompt; reply: Reply | undefined }[] = [];
  return {
    prompts,
    async complete(prompt) {
      const asked: { prompt: Prompt; reply: Reply | undefined } = { prompt, reply: undefined };
      prompts.push(asked);
      const answer = answers.find((one) => (used.get(one) ?? 0) < (one.times ?? Infinity) && isFor(one.when, prompt));
      if (answer === undefined) throw unanswered(prompt, answers);
      used.set(answer, (used.get(answer) ?? 0) + 1);
      const { reply } = answer;
      asked.reply = typeof reply === "function" ? await (reply as (prompt: Prompt) => Reply)(prompt) : reply;
      return asked.reply;
    },
    assertConsumed() {
      const left = answers.filter((one) => one.times !== undefined && (used.get(one) ?? 0) < one.times);
      if (left.length === 0) return;
      const lines = left.map((one) => `  ${show(one.when)}: ${used.get(one) ?? 0} of ${one.times} times`);
      throw new WorldError("expectation", `the scripted model was not asked as told:\n${lines.join("\n")}`, "");
    },
  };
}

function isFor<Prompt>(when: ScriptedAnswer<Prompt, unknown>["when"], prompt: Prompt): boolean {
  if (when === undefined) return true;
  if (typeof when === "function") return (when as (prompt: Prompt) => boolean)(prompt);
  const text = typeof prompt === "string" ? prompt : JSON.stringify(prompt);
  if (typeof when === "string") return text.includes(when);
  return when instanceof RegExp ? when.test(text) : isLike(when, prompt);
}

function unanswered<Prompt>(prompt: Prompt, answers: readonly ScriptedAnswer<Prompt, unknown>[]): WorldError {
  const headline = `the scripted model has no answer for ${show(prompt)}`;
  const story = ["it has answers for:", ...answers.map(({ when }) => `  ${show(when)}`), "Add one whose `when` fits."];
  return new WorldError("expectation", headline, story.join("\n"));
}

function show(value: unknown): string {
  if (value === undefined) return "every prompt";
  return typeof value === "function" || value instanceof RegExp ? String(value) : JSON.stringify(value);
}
