import { LoomError } from "@loom-bridge/protocol";
import type { Chooser } from "../clock/scheduler.ts";

/**
 * An order of events that differs from "first come, first served" at some points: at the so manieth choice, another of
 * those who are ready goes first.
 */
export type Schedule = readonly (readonly [choice: number, pick: number])[];

/** As text: `12:1 40:3`. */
export function formatSchedule(schedule: Schedule): string {
  return schedule.map(([choice, pick]) => `${choice}:${pick}`).join(" ");
}

/** @throws LoomError `invalid_argument` that shows how a schedule is written. */
export function parseSchedule(text: string): Schedule {
  if (!/^(\d+:\d+( \d+:\d+)*)?$/.test(text)) {
    const message = `schedule is ${JSON.stringify(text)}; it is written as explore prints it, such as "12:1 40:3"`;
    throw new LoomError("invalid_argument", message, { details: { field: "schedule" } });
  }
  const pairs = text === "" ? [] : text.split(" ");
  return pairs.map((pair) => pair.split(":").map(Number) as [number, number]);
}

/** Chooses as a schedule says, and counts the choices there were. */
export interface ScheduleChooser {
  readonly choose: Chooser;
  readonly choices: number;
  /** Those of the schedule's points that changed anything. */
  readonly used: Schedule;
}

export function createScheduleChooser(schedule: Schedule): ScheduleChooser {
  const picks = new Map(schedule);
  const used: [number, number][] = [];
  let choices = 0;
  return {
    choose(lanes) {
      const pick = (picks.get(choices) ?? 0) % lanes.length;
      if (pick > 0) used.push([choices, pick]);
      choices += 1;
      return pick;
    },
    get choices() {
      return choices;
    },
    get used() {
      return used;
    },
  };
}
