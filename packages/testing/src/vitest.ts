import { type TestAPI, test } from "vitest";
import { openTestBridge } from "./bridge-run.ts";
import type { TopicPayloads } from "./probes/match.ts";
import type { TestBridge } from "./test-bridge.ts";
import type { TestBridgeOptions } from "./test-bridge-options.ts";

/** What tests made by {@link bridgeTest} get. */
export interface BridgeFixture<Topics extends TopicPayloads = TopicPayloads> {
  bridge: TestBridge<Topics>;
}

/**
 * Vitest's `test` with a bridge of its own for each test. When one fails, the story of its bridge is printed; when it
 * passes, the bridge must leave nothing. Tests share nothing, so that they may be concurrent.
 *
 *     const test = bridgeTest({ seed: 7 });
 *     test("the desk fills orders", async ({ bridge }) => { … });
 */
export function bridgeTest<Topics extends TopicPayloads = TopicPayloads>(
  options: TestBridgeOptions = {},
): TestAPI<BridgeFixture<Topics>> {
  return test.extend<BridgeFixture<Topics>>({
    // The braces say which fixtures this one needs, and Vitest reads them.
    bridge: async ({ onTestFailed, task }, use) => {
      const run = openTestBridge<Topics>(options);
      // Told before the bridge is closed, and printed only if it must be.
      let story: string[] = [];
      onTestFailed(() => {
        if (story.length > 0) process.stderr.write(`${task.name}\n${story.join("\n")}\n`);
      });
      await use(run.bridge);
      const [error] = task.result?.errors ?? [];
      story = run.storyOf(error);
      if (error !== undefined) await run.abandon();
      else await run.bridge.close();
    },
  });
}
