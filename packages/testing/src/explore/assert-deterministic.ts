import type { TopicPayloads } from "../probes/match.ts";
import { type TestBridge, testBridge } from "../test-bridge.ts";
import type { TestBridgeOptions } from "../test-bridge-options.ts";
import { WorldError } from "../world-error.ts";

/**
 * Runs a scenario twice with the same seed, and compares every byte that crossed a link, and when. A difference means
 * that an agent takes time, randomness or order from somewhere else than its bridge's runtime.
 * @throws WorldError that shows the first message that differs, with the messages before it.
 */
export async function assertDeterministic<Topics extends TopicPayloads = TopicPayloads>(
  scenario: (bridge: TestBridge<Topics>) => Promise<unknown>,
  options: Omit<TestBridgeOptions, "clock"> = {},
): Promise<void> {
  const record = async (): Promise<{ lines: string[]; bytes: string[] }> => {
    const bridge = testBridge<Topics>(options);
    await scenario(bridge);
    await bridge.close();
    const bytes = bridge.timeline.frames.map((frame) => {
      const { link, direction, sentMs, outcome } = frame;
      return `${sentMs} ${link} ${direction} ${outcome} ${Buffer.from(frame.bytes).toString("base64")}`;
    });
    return { lines: bridge.timeline.lines(), bytes };
  };
  const [first, second] = [await record(), await record()];
  const at = first.bytes.findIndex((bytes, index) => bytes !== second.bytes[index]);
  const isSame = at < 0 && first.bytes.length === second.bytes.length && first.lines.join() === second.lines.join();
  if (isSame) return;
  const line = first.lines.findIndex((text, index) => text !== second.lines[index]);
  const shown = line < 0 ? Math.min(first.lines.length, second.lines.length) : line;
  const story = [
    "the same until:",
    ...first.lines.slice(Math.max(0, shown - 5), shown),
    "then the first time:",
    first.lines[shown] ?? "nothing more",
    "and the second time:",
    second.lines[shown] ?? "nothing more",
    "",
    "Take time and timers from bridge.clock or the client's runtime, and randomness and ids from the runtime.",
  ].join("\n");
  throw new WorldError("determinism", "the same seed did not make the same run", story);
}
