import { WorldError } from "./world-error.ts";

/**
 * Ends what `await using` opened. Thrown by a disposal, a leak would take the place of the error that a test has failed
 * with: JavaScript keeps that one as `suppressed`, and node:test shows nothing of it. So the runner is told of the leak
 * once it knows how the test went, and a test that has failed keeps its error.
 */
export async function disposeOf(close: () => Promise<void>): Promise<void> {
  try {
    await close();
  } catch (error) {
    if (!(error instanceof WorldError) || error.kind !== "leak") throw error;
    if (!isNodeTest()) throw withHint(error);
    const { after } = process.getBuiltinModule("node:test");
    // Of the test that runs now, or of the hook: node:test knows whose work this is.
    after(() => {
      throw error;
    });
  }
}

function isNodeTest(): boolean {
  // Vitest's processes inherit the environment of a test that starts it.
  if (process.env["VITEST"] !== undefined) return false;
  return process.env["NODE_TEST_CONTEXT"] !== undefined || process.execArgv.includes("--test");
}

/** For runners that cannot be told later. */
function withHint(error: WorldError): WorldError {
  const hint = "A test that failed before this has its own error in `suppressed`; what it left may come from that one.";
  return new WorldError(error.kind, `${error.headline}\n${hint}`, error.story, { cause: error.cause });
}
