import assert from "node:assert/strict";
import { test } from "node:test";
import {
  callHeaders,
  data,
  errorCodes,
  flags,
  frame,
  frameTypes,
  headerBlock,
  openRaw,
  type RawHttp2,
  reset,
  setting,
  streamPath,
  uint32,
} from "./raw-http2.ts";
import { startVictim } from "./victim.ts";

// Floods of frames that cost a client nothing. The bridge has its defaults.
const victim = await startVictim();

/** Sends until all was sent or the bridge has had enough; in pieces, so that this process stays awake. */
async function flood(raw: RawHttp2, count: number, make: (index: number) => Uint8Array): Promise<void> {
  for (let from = 0; from < count && !raw.closed; from += 500) {
    const frames = Array.from({ length: Math.min(500, count - from) }, (_, index) => make(from + index));
    // A bridge that stops reading has had enough too.
    await Promise.race([raw.send(...frames), new Promise((resolve) => setTimeout(resolve, 2000))]);
  }
}

/** The code of the GOAWAY that closed a connection. */
async function farewell(raw: RawHttp2): Promise<number | undefined> {
  await raw.whenClosed();
  return raw.received.findLast(({ type }) => type === frameTypes.goaway)?.payload.readUInt32BE(4);
}

const streamId = (index: number): number => 2 * index + 1;

test("row 6: a rapid reset is cut off after the budget", async () => {
  const state = await victim.withstand(async () => {
    const raw = await openRaw(victim.port);
    await flood(raw, 20_000, (index) =>
      Buffer.concat([callHeaders(streamId(index), streamPath), reset(streamId(index))]),
    );
    await raw.whenClosed();
    assert.ok(raw.closed);
  });
  assert.equal(state.calls, 0);
});

test("row 6: calls that are begun, answered with an error and cancelled count too", async () => {
  await victim.withstand(async () => {
    const raw = await openRaw(victim.port);
    for (let index = 0; index < 1000 && !raw.closed; index += 1) {
      await raw.send(callHeaders(streamId(index), streamPath));
      await new Promise((resolve) => setImmediate(resolve));
      await raw.send(reset(streamId(index)));
    }
    await raw.whenClosed();
  });
});

const provocations: Record<string, (id: number) => Uint8Array> = {
  "a window update of 0": (id) => frame(frameTypes.windowUpdate, 0, id, uint32(0)),
  "a window that overflows": (id) => frame(frameTypes.windowUpdate, 0, id, uint32(2 ** 31 - 1)),
  "data after the end": (id) => Buffer.concat([data(id, Buffer.alloc(0), flags.endStream), data(id, Buffer.alloc(1))]),
  "a bad priority": (id) => frame(frameTypes.priority, 0, id, Buffer.alloc(4)),
  "a second head": (id) => callHeaders(id, streamPath),
};
for (const [name, provoke] of Object.entries(provocations)) {
  test(`row 7: making the bridge reset its own streams by ${name} ends the connection`, async () => {
    const state = await victim.withstand(async () => {
      const raw = await openRaw(victim.port);
      await flood(raw, 5000, (index) =>
        Buffer.concat([callHeaders(streamId(index), streamPath), provoke(streamId(index))]),
      );
      await raw.whenClosed();
    });
    assert.equal(state.calls, 0);
  });
}

test("row 8: a head without end, in many or empty CONTINUATION frames, ends the connection", async () => {
  await victim.withstand(async () => {
    for (const size of [0, 20]) {
      const raw = await openRaw(victim.port);
      await raw.send(frame(frameTypes.headers, 0, 1, headerBlock(streamPath)));
      const block = headerBlock(streamPath, {}).subarray(0, 0);
      const piece =
        size === 0 ? block : Buffer.concat([Buffer.of(0, 1), Buffer.from("x"), Buffer.of(1), Buffer.from("y")]);
      await flood(raw, 20_000, () => frame(frameTypes.continuation, 0, 1, piece));
      await raw.whenClosed();
    }
  });
});

test("row 8: heads that are followed by a broken connection leave nothing", async () => {
  await victim.withstand(async () => {
    for (let count = 0; count < 30; count += 1) {
      const raw = await openRaw(victim.port);
      await raw.send(frame(frameTypes.headers, 0, 1, headerBlock(streamPath)));
      raw.socket.resetAndDestroy();
    }
  });
});

for (const reads of [true, false]) {
  const how = reads ? "and read" : "and not read";
  test(`row 9: 100,000 pings, ${how}, are bounded in time and memory`, async () => {
    await victim.withstand(async () => {
      const raw = await openRaw(victim.port);
      if (!reads) raw.socket.pause();
      await flood(raw, 100_000, (index) => frame(frameTypes.ping, 0, 0, Buffer.concat([uint32(0), uint32(index)])));
      raw.destroy();
    });
  });

  test(`row 10: 100,000 SETTINGS, ${how}, are bounded in time and memory`, async () => {
    await victim.withstand(async () => {
      const raw = await openRaw(victim.port);
      if (!reads) raw.socket.pause();
      await flood(raw, 100_000, () => frame(frameTypes.settings, 0, 0, setting(4, 65_535)));
      raw.destroy();
    });
  });
}

test("row 11: empty DATA frames end the connection", async () => {
  await victim.withstand(async () => {
    const raw = await openRaw(victim.port);
    await raw.send(callHeaders(1, streamPath));
    await flood(raw, 100_000, () => data(1, Buffer.alloc(0)));
    raw.destroy();
  });
});

test("row 11: a flood of priorities is bounded", async () => {
  await victim.withstand(async () => {
    const raw = await openRaw(victim.port);
    await flood(raw, 100_000, (index) =>
      frame(frameTypes.priority, 0, streamId(index % 1000), Buffer.concat([uint32(0), Buffer.of(16)])),
    );
    raw.destroy();
  });
});

test("row 12: 100,000 requests for unknown paths end the connection early, and fill no log", async () => {
  const state = await victim.withstand(async () => {
    const raw = await openRaw(victim.port);
    const head = { frameFlags: flags.endHeaders | flags.endStream };
    await flood(raw, 100_000, (index) => callHeaders(streamId(index), `/no/such/path/${index}`, head));
    // What it says last may not arrive: the client was still sending.
    assert.ok([errorCodes.calm as number | undefined, undefined].includes(await farewell(raw)));
    assert.ok(raw.received.length < 10_000, `${raw.received.length} answers`);
  });
  assert.ok((state.breaches["badRequestsPerSec"] ?? 0) >= 1);
});
