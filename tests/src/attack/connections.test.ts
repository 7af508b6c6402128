import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import {
  callHeaders,
  errorCodes,
  flags,
  frame,
  frameTypes,
  infoPath,
  openRaw,
  preface,
  streamPath,
  uint32,
} from "./raw-http2.ts";
import { startVictim } from "./victim.ts";

// Connections that begin badly, or never begin. A bridge with short times, on a port of its own.
const limits = { firstRequestTimeoutMs: 400, maxConnections: 600 };
const victim = await startVictim({ limits });

async function say(bytes: Uint8Array): Promise<string> {
  const socket = connect({ port: victim.port, host: "127.0.0.1" });
  socket.on("error", () => {});
  let heard = "";
  socket.setEncoding("latin1").on("data", (text) => (heard += String(text)));
  socket.write(bytes);
  await once(socket, "close");
  return heard;
}

const http1 = (host: string): Buffer =>
  Buffer.from(
    `POST ${infoPath} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
  );

for (const host of ["[", "a:99999", "a%zz", "a b"]) {
  test(`row 1: the host ${JSON.stringify(host)} is answered 400, and the bridge goes on`, async () => {
    await victim.withstand(async () => {
      assert.match(await say(http1(host)), /^HTTP\/1\.1 400 /);
      const raw = await openRaw(victim.port);
      await raw.send(callHeaders(1, infoPath, { more: { ":authority": host } }));
      const answer = (await raw.frame(frameTypes.headers, 1)) ?? (await raw.frame(frameTypes.rstStream, 1));
      assert.notEqual(answer, undefined);
      raw.destroy();
    });
  });
}

test("row 2: a call without authority and host is refused", async () => {
  await victim.withstand(async () => {
    const raw = await openRaw(victim.port);
    await raw.send(callHeaders(1, infoPath, { more: { ":authority": undefined } }));
    await Promise.race([raw.frame(frameTypes.rstStream, 1), raw.frame(frameTypes.headers, 1)]);
    const [status] = raw.received.filter(({ streamId }) => streamId === 1);
    assert.ok(status !== undefined);
    raw.destroy();
  });
});

test("row 3: what is neither HTTP/1.1 nor HTTP/2 is closed at once", async () => {
  await victim.withstand(async () => {
    const tlsHello = Buffer.from("1603010200010001fc0303", "hex");
    const garbage = Buffer.alloc(1024, 0xa7);
    for (const bytes of [tlsHello, garbage]) assert.match(await say(bytes), /^HTTP\/1\.1 400 /);
  });
});

const beginnings = {
  "says nothing": Buffer.alloc(0),
  "sends half a preface": preface.subarray(0, 12),
  "sends the preface and no SETTINGS": preface,
  "sends SETTINGS and makes no call": Buffer.concat([preface, frame(frameTypes.settings, 0, 0)]),
  "begins an HTTP/1.1 request": Buffer.from("POST / HTTP/1.1\r\n"),
};
for (const [name, bytes] of Object.entries(beginnings)) {
  test(`rows 4 and 5: a client that ${name} is closed in time`, async () => {
    await victim.withstand(async () => {
      await say(bytes);
    });
  });
}

test("row 16: 2000 connections that break the protocol and hang up leave nothing, and no lock-out", async () => {
  await victim.withstand(async () => {
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          const raw = await openRaw(victim.port);
          // A PRIORITY frame is five bytes long.
          await raw.send(callHeaders(1, streamPath), frame(frameTypes.priority, 0, 1, Buffer.alloc(3)));
          await raw.frame(frameTypes.goaway);
          raw.destroy();
        }),
      );
    }
  });
});

test("row 16: connections beyond maxConnections are closed at once, and there is room again when some leave", async () => {
  const held = await Promise.all(Array.from({ length: 640 }, () => openRaw(victim.port, { hello: false })));
  const refused = async (): Promise<number> => (await victim.state()).breaches["maxConnections"] ?? 0;
  while ((await refused()) < 40) await new Promise((resolve) => setTimeout(resolve, 10));
  for (const raw of held) raw.destroy();
  await victim.withstand(async () => {
    const raw = await openRaw(victim.port);
    await raw.send(callHeaders(1, infoPath, { frameFlags: flags.endHeaders | flags.endStream }));
    assert.notEqual(await raw.frame(frameTypes.headers, 1), undefined);
    raw.destroy();
  });
});

test("rows 4 and 5: connections of one address are capped where it is not trusted, and those of others are not", async () => {
  const small = await startVictim({ limits: { maxConnectionsPerIp: 3 }, trustedPeers: ["192.0.2.1"] });
  const first = await openRaw(small.port);
  const second = await openRaw(small.port);
  await first.send(callHeaders(1, streamPath));
  const third = await openRaw(small.port);
  await third.whenClosed();
  assert.equal((await small.state()).breaches["maxConnectionsPerIp"], 1);
  const elsewhere = connect({ port: small.port, host: "127.0.0.1", localAddress: "127.0.0.2" });
  elsewhere.on("error", () => {});
  elsewhere.write(http1("localhost"));
  const [answer] = (await once(elsewhere, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
  elsewhere.destroy();
  second.destroy();
  first.destroy();
});

test("row 23: a connection that reached its age is told to go, and its stream ends within the grace time", async () => {
  const old = await startVictim({ limits: { maxConnectionAgeMs: 300, connectionAgeGraceMs: 300 } });
  const raw = await openRaw(old.port);
  await raw.send(callHeaders(1, streamPath));
  const goaway = await raw.frame(frameTypes.goaway);
  assert.equal(goaway?.payload.readUInt32BE(4), 0, "NO_ERROR");
  assert.ok(!raw.received.some(({ type, flags: bits }) => type === frameTypes.headers && bits & flags.endStream));
  await raw.frame(frameTypes.headers, 1);
  await raw.whenClosed();
  assert.ok((old && (await old.state()).breaches["maxConnectionAgeMs"]) === 1);
});

test("row 22: a client that pings every few milliseconds is answered and tolerated", async () => {
  await victim.withstand(async () => {
    const raw = await openRaw(victim.port);
    await raw.send(callHeaders(1, streamPath));
    for (let count = 0; count < 50; count += 1) {
      await raw.send(frame(frameTypes.ping, 0, 0, Buffer.concat([uint32(0), uint32(count)])));
    }
    await raw.frame(frameTypes.ping);
    assert.equal(raw.closed, false);
    await raw.send(frame(frameTypes.rstStream, 0, 1, uint32(errorCodes.cancel)));
    raw.destroy();
  });
});
