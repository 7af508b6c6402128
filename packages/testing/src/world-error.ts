/**
 * What went wrong: an expectation that was not met, time that ran out, nothing left that could happen, something that
 * never stops happening, something left behind, or a call of the package that makes no sense.
 */
export type WorldErrorKind = "expectation" | "timeout" | "deadlock" | "livelock" | "leak" | "determinism" | "golden";

/** Why a test on a test bridge failed, with the story that led to it. */
export class WorldError extends Error {
  override readonly name: string = "WorldError";
  readonly kind: WorldErrorKind;
  /** What went wrong, without the story. */
  readonly headline: string;
  /** What happened, what still waits, the seed, and how to repeat it; part of the message too. */
  readonly story: string;

  constructor(kind: WorldErrorKind, headline: string, story: string, options?: ErrorOptions) {
    super(story === "" ? headline : `${headline}\n\n${story}\n`, options);
    this.kind = kind;
    this.headline = headline;
    this.story = story;
  }
}

/** Makes the error of a world, with its story. */
export type Fail = (kind: WorldErrorKind, headline: string, options?: ErrorOptions) => WorldError;
