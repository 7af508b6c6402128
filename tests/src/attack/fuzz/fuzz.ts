import assert from "node:assert/strict";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import fc from "fast-check";
import { frameTypes, openRaw } from "../raw-http2.ts";
import type { Victim } from "../victim.ts";
import { type Input, input } from "./inputs.ts";

export interface FuzzOptions {
  readonly runs: number;
  readonly seed: number;
  /** Told how far it is, every 1000 inputs. */
  readonly report: (line: string) => void;
}

/** How long a bridge may leave a call open that its client has ended. */
const patienceMs = 10_000;

/**
 * Sends random inputs to a bridge. Each must be answered or ended in time, and the bridge must go on: its process lives,
 * another client is served, and nothing was logged as a defect of its own.
 * @throws what fast-check throws: what went wrong within the last 200 inputs, with the seed to repeat them.
 */
export async function fuzz(victim: Victim, { runs, seed, report }: FuzzOptions): Promise<void> {
  let session: ClientHttp2Session | undefined;
  let done = 0;

  async function isWell(): Promise<void> {
    assert.equal((await victim.client.getInfo({}, { timeoutMs: patienceMs })).name, "loom-bridge");
    assert.deepEqual((await victim.state()).defects, []);
  }

  function openSession(): ClientHttp2Session {
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    const opened = connectHttp2(victim.url);
    opened.on("error", () => {});
    session = opened;
    return opened;
  }

  const property = fc.asyncProperty(input, async (each) => {
    if (each.kind === "frames") await sendFrames(victim.port, each.bytes);
    else await sendMessage(openSession(), each);
    done += 1;
    if (done % 1000 === 0) report(`${done} of ${runs} inputs`);
    // Asked often enough to find the input; asking after each would take longer than the inputs.
    if (done % 200 === 0) await isWell();
  });
  try {
    // What did harm cannot be undone, so that a smaller input could not be told from it.
    await fc.assert(property, { numRuns: runs, seed, endOnFailure: true, includeErrorInReport: true });
    await isWell();
  } finally {
    session?.destroy();
  }
}

function sendMessage(
  session: ClientHttp2Session,
  { path, body, type }: Extract<Input, { kind: "message" }>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": type, te: "trailers" });
    const timer = setTimeout(() => {
      stream.close(8);
      reject(new Error(`no end within ${patienceMs} ms`));
    }, patienceMs);
    stream.on("error", () => {});
    stream.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
    // What goes on is ended by us, once it has begun.
    if (path.endsWith("/Subscribe")) stream.once("data", () => stream.close(8));
    stream.resume();
    stream.end(body);
  });
}

async function sendFrames(port: number, bytes: Buffer): Promise<void> {
  const raw = await openRaw(port);
  await raw.send(bytes);
  // An answer of any kind, or a bridge that waits for more: both are fine, and both end here.
  await Promise.race([
    raw.frame(frameTypes.goaway),
    raw.frame(frameTypes.headers),
    raw.frame(frameTypes.rstStream),
    new Promise((resolve) => setTimeout(resolve, 20)),
  ]);
  raw.destroy();
}
