import { LoomError } from "@loom-bridge/protocol";
import type { Direction, Frame, FrameKind } from "../network/frame.ts";
import { topicMatches } from "../topic-matches.ts";

/** Which messages a fault is for. Everything that is given must hold; nothing given: every message. */
export interface Where {
  /** The link: the id of its agent, or several. */
  readonly link?: string | readonly string[];
  /** `up` to the bridge, `down` from it. */
  readonly direction?: Direction;
  /** What the message is, such as `publishBatch`, `receiptBatch`, `toolRequest`, `savePlan`. */
  readonly kind?: FrameKind | readonly FrameKind[];
  /** A topic or filter that one of its events must match. */
  readonly topic?: string;
  /** Whatever else: the message is there, decoded, as `frame.body`. */
  readonly match?: (frame: Frame) => boolean;
  /** Leave so many alone first. Default: 0. */
  readonly skip?: number;
  /** How many it hits. Default: 1; `Infinity` for all of them. */
  readonly times?: number;
  /** How likely it hits one, from 0 to 1, by the seed. Default: 1. */
  readonly chance?: number;
}

/** Whether a fault is for this message, its counts aside. */
export function isWhere(where: Where, frame: Frame): boolean {
  const { link, direction, kind, topic, match } = where;
  if (link !== undefined && ![link].flat().includes(frame.link)) return false;
  if (direction !== undefined && direction !== frame.direction) return false;
  if (kind !== undefined && ![kind].flat().includes(frame.kind)) return false;
  if (topic !== undefined && !frame.events.some((carried) => topicMatches(topic, carried.topic))) return false;
  return match === undefined || match(frame);
}

/** @throws LoomError `invalid_argument` that names the field. */
export function checkWhere({ skip = 0, times = 1, chance = 1 }: Where): void {
  if (!(skip >= 0)) throw invalid("skip", `skip is ${skip}; it must be 0 or more`);
  if (!(times >= 1)) throw invalid("times", `times is ${times}; it must be 1 or more, or Infinity`);
  if (!(chance > 0 && chance <= 1)) throw invalid("chance", `chance is ${chance}; it must be above 0 and at most 1`);
}

function invalid(field: string, message: string): LoomError {
  return new LoomError("invalid_argument", message, { details: { field } });
}
