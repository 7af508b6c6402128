import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { WorldError } from "../world-error.ts";
import { Transcript } from "./transcript.ts";

const update = "UPDATE_GOLDEN";

/**
 * Compares a transcript with the one that is kept in a file: what was said, not ids and times. With `UPDATE_GOLDEN=1`
 * in the environment it is written instead.
 * @throws WorldError that shows where they part.
 */
export function matchGolden(transcript: Transcript, path: string): void {
  if (process.env[update] === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, String(transcript));
    return;
  }
  if (!existsSync(path)) {
    throw new WorldError(
      "golden",
      `there is no golden transcript at ${path}`,
      `make it with: ${update}=1, then read it`,
    );
  }
  compareTranscripts(Transcript.parse(readFileSync(path, "utf8")), transcript, path);
}

/** @throws WorldError that shows where two transcripts part. */
export function compareTranscripts(golden: Transcript, actual: Transcript, name: string): void {
  const [expected, said] = [golden.toSpoken(), actual.toSpoken()];
  const length = Math.max(expected.length, said.length);
  for (let at = 0; at < length; at += 1) {
    if (expected[at] === said[at]) continue;
    const story = [
      "the same until:",
      ...expected.slice(Math.max(0, at - 3), at),
      "then the golden one says:",
      expected[at] ?? "nothing more",
      "and this one says:",
      said[at] ?? "nothing more",
      "",
      `If that is right now, write it anew with ${update}=1.`,
    ].join("\n");
    throw new WorldError("golden", `message ${at + 1} is not as in ${name}`, story);
  }
}
