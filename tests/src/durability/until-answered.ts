import { setTimeout as pause } from "node:timers/promises";
import { LoomError } from "@loom-bridge/client";

/** Calls until a bridge answers. Returns the answer, and whether a bridge may have heard of the call before. */
export async function untilAnswered<Answer>(call: () => Promise<Answer>): Promise<[answer: Answer, again: boolean]> {
  for (let again = false; ; again = true) {
    try {
      return [await call(), again];
    } catch (error) {
      if (!LoomError.isInstance(error) || error.code !== "unavailable") throw error;
      await pause(40);
    }
  }
}
