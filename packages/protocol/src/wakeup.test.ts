import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Wakeup } from "./wakeup.ts";

describe("Wakeup", () => {
  it("ends a wait that stands", async () => {
    const wakeup = new Wakeup();
    const state = observe(wakeup.wait());
    await settle();
    assert.equal(state.done, false);
    wakeup.wake();
    await settle();
    assert.equal(state.done, true);
  });

  it("remembers a wake-up that came while nobody waited", async () => {
    const wakeup = new Wakeup();
    wakeup.wake();
    const state = observe(wakeup.wait());
    await settle();
    assert.equal(state.done, true);
  });

  it("remembers any number of wake-ups once", async () => {
    const wakeup = new Wakeup();
    wakeup.wake();
    wakeup.wake();
    await wakeup.wait();
    const state = observe(wakeup.wait());
    await settle();
    assert.equal(state.done, false);
  });

  it("remembers a wake-up that came after one that ended a wait", async () => {
    const wakeup = new Wakeup();
    const first = wakeup.wait();
    wakeup.wake();
    wakeup.wake();
    await first;
    const state = observe(wakeup.wait());
    await settle();
    assert.equal(state.done, true);
  });

  it("does not remember a wake-up that ended a wait", async () => {
    const wakeup = new Wakeup();
    const first = wakeup.wait();
    wakeup.wake();
    await first;
    const state = observe(wakeup.wait());
    await settle();
    assert.equal(state.done, false);
  });
});

function observe(promise: Promise<void>): { done: boolean } {
  const state = { done: false };
  void promise.then(() => {
    state.done = true;
  });
  return state;
}

/** Every promise that can settle now has settled after one turn of the event loop. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
