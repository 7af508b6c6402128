import { LoomError, type Runtime } from "@loom-bridge/protocol";
import type { ToolInvocation, ToolOutcome } from "@loom-bridge/server";
import { type Duration, toMilliseconds } from "../clock/duration.ts";
import { isLike, type Like } from "../probes/match.ts";
import type { FakeCall, FakeCallState } from "./fake-call.ts";

/** Which calls of a fake tool get an answer, how many, and how late. */
export interface AnswerOptions<Args = unknown> {
  /** Which calls: what their arguments hold at least, or a function that decides. Default: every call. */
  readonly when?: Like<Args> | ((args: Args) => boolean);
  /** How many calls get this answer, all of which must come. Default: as many as come, and none need. */
  readonly times?: number;
  /** How long the tool takes. A caller that gives up before ends the run. Default: no time. */
  readonly delay?: Duration;
}

/** A tool that answers as the test says. Of several answers, a call gets the first that is for it and not used up. */
export interface FakeTool<Args = unknown, Result = unknown> {
  readonly name: string;
  /** The calls so far, oldest first. */
  readonly calls: readonly FakeCall<Args>[];
  /** Answers with a result, or with what a function makes of the arguments. */
  reply(answer: (args: Args, call: FakeCall<Args>) => Result | Promise<Result>, options?: AnswerOptions<Args>): this;
  reply(result: Result, options?: AnswerOptions<Args>): this;
  /** Fails with a code, such as `EXECUTION_ERROR` or `UNAVAILABLE`, and a message. */
  fail(code: string, message?: string, options?: AnswerOptions<Args>): this;
  /** Never answers. */
  hang(options?: Omit<AnswerOptions<Args>, "delay">): this;
  /** Answers only after the caller's time is over, default 1 ms. The bridge must drop it. */
  replyLate(result: Result, options?: AnswerOptions<Args>): this;
}

interface Answer {
  readonly what: string;
  readonly options: AnswerOptions;
  readonly isLate: boolean;
  used: number;
  /** Absent: it never answers. */
  readonly run?: (args: never, call: FakeCall<never>) => unknown;
}

type OpenRecord = { -readonly [Key in keyof FakeCall]: FakeCall[Key] };

/** What a fake throws to fail as told. */
class FakeFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The fake itself: what the test sees, and what the bridge calls. */
export class ScriptedTool implements FakeTool {
  readonly name: string;
  readonly #runtime: Runtime;
  readonly #answers: Answer[] = [];
  readonly #calls: OpenRecord[] = [];
  readonly #unanswered: string[] = [];

  constructor(name: string, runtime: Runtime) {
    this.name = name;
    this.#runtime = runtime;
  }

  get calls(): readonly FakeCall[] {
    return this.#calls;
  }

  /** What the test asked for and did not happen, and what happened and it did not ask for. */
  get problems(): string[] {
    const unused = this.#answers
      .filter(({ options, used }) => options.times !== undefined && used < options.times)
      .map(
        ({ what, options, used }) =>
          `fake tool ${this.name}: ${what} was to be used ${options.times} times, and was ${used} times`,
      );
    return [...this.#unanswered, ...unused];
  }

  reply(result: unknown, options: AnswerOptions = {}): this {
    const run = typeof result === "function" ? (result as Answer["run"]) : () => result;
    return this.#add(`reply(${show(result)})`, options, run);
  }

  fail(code: string, message = "a fake failure", options: AnswerOptions = {}): this {
    return this.#add(`fail(${show(code)})`, options, () => {
      throw new FakeFailure(code, message);
    });
  }

  hang(options: AnswerOptions = {}): this {
    return this.#add("hang()", options, undefined);
  }

  replyLate(result: unknown, options: AnswerOptions = {}): this {
    return this.#add(`replyLate(${show(result)})`, options, () => result, true);
  }

  async call(invocation: ToolInvocation, signal: AbortSignal): Promise<ToolOutcome> {
    const args = JSON.parse(invocation.arguments) as unknown;
    const call = this.#record(invocation, args, signal);
    const answer = this.#answers.find(
      ({ options, used }) => used < (options.times ?? Infinity) && isFor(options, args),
    );
    if (answer === undefined) return this.#refuse(call);
    answer.used += 1;
    if (answer.run === undefined) return this.#cancelled(call);
    const delayMs = toMilliseconds(answer.options.delay ?? (answer.isLate ? 1 : 0), "delay");
    const end = await this.#wait(
      answer.isLate ? invocation.timeoutMs + delayMs : delayMs,
      answer.isLate ? undefined : signal,
    );
    if (end === "aborted") return settle(call, "cancelled", cancelled);
    try {
      const output = JSON.stringify(await answer.run(args as never, call as FakeCall<never>)) ?? "null";
      return settle(call, answer.isLate ? "late" : "replied", { status: "ok", output });
    } catch (error) {
      const code = error instanceof FakeFailure ? error.code : "EXECUTION_ERROR";
      return settle(call, "failed", { status: "error", code, message: (error as Error).message });
    }
  }

  #add(what: string, options: AnswerOptions, run: Answer["run"], isLate = false): this {
    if (options.times !== undefined && !(options.times >= 1)) {
      const message = `times is ${options.times}; it must be 1 or more. Leave it out for as many calls as come`;
      throw new LoomError("invalid_argument", message, { details: { field: "times" } });
    }
    this.#answers.push({ what, options, isLate, used: 0, ...(run === undefined ? {} : { run }) });
    return this;
  }

  #record(
    { id, caller, headers, correlationId, idempotencyKey = "", timeoutMs }: ToolInvocation,
    args: unknown,
    signal: AbortSignal,
  ): OpenRecord {
    const atMs = this.#runtime.monotonic();
    const deadlineMs = atMs + timeoutMs;
    const call: OpenRecord = {
      id,
      args,
      caller,
      headers,
      correlationId,
      idempotencyKey,
      atMs,
      deadlineMs,
      signal,
      state: "running",
    };
    this.#calls.push(call);
    return call;
  }

  #refuse(call: OpenRecord): ToolOutcome {
    const message = `fake tool ${this.name} has no answer for ${show(call.args)}; add .reply(…), or a wider \`when\``;
    this.#unanswered.push(message);
    return settle(call, "failed", { status: "error", code: "EXECUTION_ERROR", message });
  }

  async #cancelled(call: OpenRecord): Promise<ToolOutcome> {
    await new Promise<void>((resolve) => {
      if (call.signal.aborted) resolve();
      else call.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    return settle(call, "cancelled", cancelled);
  }

  #wait(delayMs: number, signal: AbortSignal | undefined): Promise<"over" | "aborted"> {
    if (delayMs === 0) return Promise.resolve("over");
    return new Promise((resolve) => {
      const onAbort = (): void => {
        timer.cancel();
        resolve("aborted");
      };
      const timer = this.#runtime.setTimer(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve("over");
      }, delayMs);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

const cancelled: ToolOutcome = { status: "error", code: "CANCELLED", message: "the caller gave up" };

function settle(call: OpenRecord, state: FakeCallState, outcome: ToolOutcome): ToolOutcome {
  call.state = state;
  return outcome;
}

function isFor({ when }: AnswerOptions, args: unknown): boolean {
  if (when === undefined) return true;
  return typeof when === "function" ? (when as (args: unknown) => boolean)(args) : isLike(when, args);
}

function show(value: unknown): string {
  return typeof value === "function" ? "a function" : (JSON.stringify(value) ?? "undefined");
}
