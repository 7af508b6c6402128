import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { envelopeKeys, readEnvelopeKey, repliesTopic } from "./envelope-keys.ts";
import { parseTopic } from "./topic.ts";

describe("envelopeKeys", () => {
  it("are the keys that agents in other languages write", () => {
    assert.deepEqual(Object.values(envelopeKeys), [
      "loom.thread_id",
      "loom.correlation_id",
      "loom.sender",
      "loom.reply_to",
      "loom.ttl_ms",
      "trace_id",
      "span_id",
      "trace_flags",
    ]);
  });
});

describe("readEnvelopeKey", () => {
  it("reads a key with its prefix", () => {
    assert.equal(readEnvelopeKey({ "loom.thread_id": "t" }, envelopeKeys.threadId), "t");
  });

  it("reads a key without its prefix", () => {
    assert.equal(readEnvelopeKey({ thread_id: "t" }, envelopeKeys.threadId), "t");
  });

  it("prefers the prefixed key", () => {
    assert.equal(readEnvelopeKey({ thread_id: "bare", "loom.thread_id": "t" }, envelopeKeys.threadId), "t");
  });

  it("reads the bare key when the prefixed one is empty", () => {
    assert.equal(readEnvelopeKey({ thread_id: "bare", "loom.thread_id": "" }, envelopeKeys.threadId), "bare");
  });

  it("reads trace keys without a prefix only", () => {
    assert.equal(readEnvelopeKey({ trace_id: "1" }, envelopeKeys.traceId), "1");
    assert.equal(readEnvelopeKey({ "loom.trace_id": "1" }, envelopeKeys.traceId), undefined);
  });

  it("takes an empty value for an absent one", () => {
    assert.equal(readEnvelopeKey({ "loom.sender": "" }, envelopeKeys.sender), undefined);
    assert.equal(readEnvelopeKey({}, envelopeKeys.sender), undefined);
  });

  it("sees nothing that the metadata inherited", () => {
    assert.equal(readEnvelopeKey({}, "constructor"), undefined);
    assert.equal(readEnvelopeKey(Object.create({ "loom.sender": "x" }), envelopeKeys.sender), undefined);
  });
});

describe("repliesTopic", () => {
  it("names the agent", () => {
    assert.equal(repliesTopic("planner-1"), "agent.planner-1.replies");
  });

  it("is a topic of three segments for every agent id", () => {
    assert.equal(repliesTopic("team.planner@host"), "agent.team:2eplanner:40host.replies");
    assert.equal(parseTopic(repliesTopic("team.planner@host")).length, 3);
  });
});
