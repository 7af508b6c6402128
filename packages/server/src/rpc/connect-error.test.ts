import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { LoomError } from "@loom-bridge/protocol";
import { ErrorInfoSchema } from "@loom-bridge/protocol/messages";
import { type Logger, silentLogger } from "../domain/logger.ts";
import { abortReason, toConnectError } from "./connect-error.ts";

function recordingLogger(): Logger & { errors: unknown[] } {
  const errors: unknown[] = [];
  return { ...silentLogger, errors, error: (_message, facts) => errors.push(facts?.["error"]) };
}

test("a LoomError reaches the peer whole, with its facts", () => {
  const logger = recordingLogger();
  const error = toConnectError(new LoomError("resource_exhausted", "too many", { details: { limit: "5" } }), logger);
  assert.deepEqual([error.code, error.rawMessage], [Code.ResourceExhausted, "too many"]);
  const value = { retryable: false, details: { limit: "5" } };
  assert.deepEqual(error.details, [{ desc: ErrorInfoSchema, value }]);
  assert.deepEqual(logger.errors, []);
});

test("any other error reaches the peer as internal without text, and the log whole", () => {
  const logger = recordingLogger();
  const cause = new TypeError("secret");
  const error = toConnectError(cause, logger);
  assert.deepEqual([error.code, error.rawMessage], [Code.Internal, "internal error"]);
  assert.deepEqual(logger.errors, [cause]);
});

test("a failure of the bridge's own parts is told and logged with its cause", () => {
  const logger = recordingLogger();
  const failure = new LoomError("unavailable", "the store does not answer", { cause: new Error("disk full") });
  assert.equal(toConnectError(failure, logger).rawMessage, "the store does not answer");
  assert.deepEqual(logger.errors, [failure]);
});

test("an aborted call is a deadline, a shutdown or a client that gave up", () => {
  const late = new ConnectError("too late", Code.DeadlineExceeded);
  assert.equal(abortReason(AbortSignal.abort(late)), late);
  assert.equal(abortReason(AbortSignal.abort()).code, Code.Canceled);
});
