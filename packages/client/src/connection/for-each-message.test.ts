import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachMessage, type MessageSource } from "./for-each-message.ts";

type Stream = AsyncIterator<number> & Partial<MessageSource<number>>;

async function* messages(last: number, failure?: Error): AsyncGenerator<number, void> {
  for (let message = 1; message <= last; message += 1) yield message;
  if (failure !== undefined) throw failure;
}

/** A stream that calls back by itself, and must not be asked for messages one by one. */
function callingBack(last: number, failure?: Error): Stream {
  return {
    next: () => assert.fail("next() was called"),
    async forEach(onMessage) {
      for await (const message of messages(last, failure)) onMessage(message);
    },
  };
}

const streams: Record<string, (last: number, failure?: Error) => Stream> = {
  "an iterator": messages,
  "a stream that calls back": callingBack,
};

for (const [name, createStream] of Object.entries(streams)) {
  test(`all messages of ${name} come in order, before its end`, async () => {
    const seen: number[] = [];
    await forEachMessage(createStream(3), (message) => seen.push(message));
    assert.deepEqual(seen, [1, 2, 3]);
    await forEachMessage(createStream(0), () => assert.fail("there is no message"));
  });

  test(`an error of ${name} comes after its messages`, async () => {
    const failure = new Error("the stream broke");
    const seen: number[] = [];
    await assert.rejects(
      forEachMessage(createStream(2, failure), (message) => seen.push(message)),
      failure,
    );
    assert.deepEqual(seen, [1, 2]);
  });

  test(`what is thrown for a message of ${name} ends the reading`, async () => {
    const failure = new Error("not this one");
    const seen: number[] = [];
    const reading = forEachMessage(createStream(3), (message) => {
      seen.push(message);
      if (message === 2) throw failure;
    });
    await assert.rejects(reading, failure);
    assert.deepEqual(seen, [1, 2]);
  });
}
