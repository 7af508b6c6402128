import { type TestContext, test } from "node:test";
import { openTestBridge, type TestBridgeRun } from "./bridge-run.ts";
import type { TopicPayloads } from "./probes/match.ts";
import type { TestBridge } from "./test-bridge.ts";
import type { TestBridgeOptions } from "./test-bridge-options.ts";

/** What a test of a bridge does. */
export type BridgeTestFunction<Topics extends TopicPayloads = TopicPayloads> = (
  bridge: TestBridge<Topics>,
  context: TestContext,
) => unknown;

/**
 * A test of node:test with a bridge of its own. When it fails, the story of the bridge is printed with it; when it
 * passes, the bridge must leave nothing. Tests like this one share nothing, so that they may run at the same time.
 *
 *     bridgeTest("the desk fills orders", async (bridge) => { … });
 *     bridgeTest("the desk fills orders", { seed: 7 }, async (bridge) => { … });
 */
export function bridgeTest<Topics extends TopicPayloads = TopicPayloads>(
  name: string,
  ...given: [BridgeTestFunction<Topics>] | [TestBridgeOptions, BridgeTestFunction<Topics>]
): void {
  const [options, define] = given.length === 1 ? [{}, given[0]] : given;
  void test(name, async (context) => {
    const run: TestBridgeRun<Topics> = openTestBridge(options);
    try {
      await define(run.bridge, context);
    } catch (error) {
      for (const line of run.storyOf(error)) context.diagnostic(line);
      await run.abandon();
      throw error;
    }
    await run.bridge.close();
  });
}
