import type { TopicPayloads } from "./probes/match.ts";
import { tellStory } from "./story.ts";
import { type TestBridge, testBridge } from "./test-bridge.ts";
import type { TestBridgeOptions } from "./test-bridge-options.ts";
import { WorldError } from "./world-error.ts";

/** A bridge for one test of a runner. */
export interface TestBridgeRun<Topics extends TopicPayloads> {
  readonly bridge: TestBridge<Topics>;
  /** The story of a failure, line by line; nothing for an error that tells it itself. */
  storyOf(error: unknown): string[];
  /** Ends the bridge of a test that has failed, whatever is left. */
  abandon(): Promise<void>;
}

export function openTestBridge<Topics extends TopicPayloads>(options: TestBridgeOptions): TestBridgeRun<Topics> {
  const bridge = testBridge<Topics>(options);
  return {
    bridge,
    // A runner may pass on a copy of the error.
    storyOf: (error) =>
      (error as Error | undefined)?.name === WorldError.name
        ? []
        : tellStory({ seed: bridge.seed, timeline: bridge.timeline, waits: [] }).split("\n"),
    async abandon() {
      bridge.allowLeak("");
      // The test's own error is the one to read.
      await bridge.close().catch(() => {});
    },
  };
}
