import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import { type Runtime, systemRuntime, type Timer } from "@loom-bridge/protocol";
import { BridgeService, type ClientEvent, type Delivery, DeliverySchema } from "@loom-bridge/protocol/messages";
import { createBreaches } from "../domain/breaches.ts";
import type { Logger } from "../domain/logger.ts";
import { type Listener, type ListenerOptions, listen } from "./listen.ts";
import { createRefuse, plainError, type Refuse } from "./refusal.ts";

export const streamPath = "/loom.bridge.v1.BridgeService/Stream";
export const infoPath = "/loom.bridge.v1.BridgeService/GetInfo";
export const statsPath = "/loom.bridge.v1.BridgeService/GetStats";

/** Makes errors of limits, as a listener without details does. */
export const testRefuse: Refuse = createRefuse(createBreaches(), plainError);

export interface LogLine {
  level: string;
  message: string;
  facts: Readonly<Record<string, unknown>> | undefined;
}

/** A logger that remembers. */
export function createTestLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const to =
    (level: string): Logger["info"] =>
    (message, facts) =>
      void lines.push({ level, message, facts });
  return { lines, logger: { debug: to("debug"), info: to("info"), warn: to("warn"), error: to("error") } };
}

/** Real time for all but timers, which fire when told. */
export function createManualTimers(): { runtime: Runtime; advance(delayMs: number): void } {
  let now = 0;
  let timers: { callback: () => void; dueMs: number }[] = [];
  const runtime: Runtime = {
    ...systemRuntime,
    monotonic: () => now,
    setTimer(callback, delayMs): Timer {
      const timer = { callback, dueMs: now + delayMs };
      timers.push(timer);
      return { cancel: () => void (timers = timers.filter((other) => other !== timer)) };
    },
  };
  return {
    runtime,
    advance(delayMs) {
      now += delayMs;
      const due = timers.filter((timer) => timer.dueMs <= now);
      timers = timers.filter((timer) => timer.dueMs > now);
      for (const timer of due) timer.callback();
    },
  };
}

/** What the test service saw. */
export interface Seen {
  events: ClientEvent[];
  /** How streams ended for their handler: "end", or what its read threw. */
  ends: unknown[];
  contexts: HandlerContext[];
}

/** GetInfo answers, GetStats throws, Subscribe answers once, Stream answers with an Ack at once and then reads. */
export function createTestService(): { routes: (router: ConnectRouter) => void; seen: Seen } {
  const seen: Seen = { events: [], ends: [], contexts: [] };
  async function* stream(requests: AsyncIterable<ClientEvent>, context: HandlerContext): AsyncGenerator<Delivery> {
    seen.contexts.push(context);
    yield ack();
    try {
      for await (const event of requests) seen.events.push(event);
      seen.ends.push("end");
    } catch (error) {
      seen.ends.push(error);
      throw error;
    }
  }
  return {
    seen,
    routes: (router) =>
      void router.service(BridgeService, {
        getInfo: () => ({ name: "test" }),
        getStats: () => {
          throw new Error("the handler is broken");
        },
        stream,
        async *subscribe() {
          yield { delivery: { case: "subscribed", value: {} } };
        },
      }),
  };
}

export function ack(): Delivery {
  return create(DeliverySchema, { delivery: { case: "ack", value: { success: true, sessionId: "s", epoch: 1n } } });
}

export interface TestListener {
  listener: Listener;
  lines: LogLine[];
  seen: Seen;
}

/** A listener of the test service, closed when the test ends. */
export async function startListener(t: TestContext, options: Partial<ListenerOptions> = {}): Promise<TestListener> {
  const { logger, lines } = createTestLogger();
  const { routes, seen } = createTestService();
  const listener = await listen({ address: "127.0.0.1:0", logger, routes, runtime: systemRuntime, ...options });
  t.after(() => listener.close({ graceMs: 0 }));
  return { listener, lines, seen };
}

/** Resolves when the condition holds; asks again after each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < giveUpAt, `never became true: ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A plain connection; resolves once it stands. */
export function openSocket(t: TestContext, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => resolve(socket));
    socket.once("error", reject);
    t.after(() => socket.destroy());
  });
}

/** Sends bytes, and resolves with all that comes back until the server closes. */
export async function exchange(t: TestContext, port: number, bytes: string): Promise<string> {
  const socket = await openSocket(t, port);
  socket.write(bytes);
  let received = "";
  for await (const chunk of socket.setEncoding("latin1")) received += String(chunk);
  return received;
}

/** A client's side of a stream: open, and silent until the test ends. */
export function silence(t: TestContext): AsyncIterable<never> {
  const next = (): Promise<IteratorResult<never>> =>
    new Promise((resolve) => t.after(() => resolve({ done: true, value: undefined })));
  // Connect's client wants to be able to throw.
  return { [Symbol.asyncIterator]: () => ({ next, throw: (error: unknown) => Promise.reject(error) }) };
}
