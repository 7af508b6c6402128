import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { CallResultLimits, CallResultStore } from "../../domain/tools/call-result-store.ts";
import type { ToolOutcome } from "../../domain/tools/tool.ts";
import { toolFailures } from "../../domain/tools/tool-outcome.ts";

const ok: ToolOutcome = { status: "ok", output: '{"n":1,"text":"↑\\n"}' };
const once = { key: "k", fingerprint: "f", mayRepeat: false };
const again = { ...once, mayRepeat: true };

/** Registers the tests that every driver of the port passes. */
export function callResultsContract(
  name: string,
  open: (limits?: Partial<CallResultLimits>) => Promise<CallResultStore>,
): void {
  const openStore = async (t: TestContext, limits?: Partial<CallResultLimits>): Promise<CallResultStore> => {
    const store = await open(limits);
    t.after(() => store.close());
    return store;
  };

  describe(name, () => {
    it("begins a key once, however many begin it at a time, and gives back its outcome", async (t) => {
      const store = await openStore(t);
      const begun = await Promise.all(Array.from({ length: 50 }, () => store.begin(once, 0)));
      assert.equal(begun.filter((earlier) => earlier === undefined).length, 1);
      assert.deepEqual(begun[1], { fingerprint: "f", outcome: undefined });
      await store.end("k", ok, 5);
      for (const call of [once, again, { ...again, fingerprint: "other" }]) {
        assert.deepEqual(await store.begin(call, 6), { fingerprint: "f", outcome: ok });
      }
    });

    it("begins again what may be repeated and has no known outcome, and nothing else", async (t) => {
      const store = await openStore(t);
      await store.begin(once, 0);
      const lost = toolFailures.providerLost("a");
      for (const outcome of [undefined, lost]) {
        if (outcome !== undefined) await store.end("k", outcome, 0);
        assert.deepEqual(await store.begin(once, 0), { fingerprint: "f", outcome });
        assert.deepEqual(await store.begin({ ...again, fingerprint: "other" }, 0), { fingerprint: "f", outcome });
        assert.equal(await store.begin(again, 0), undefined);
      }
      assert.deepEqual(await store.begin(once, 0), { fingerprint: "f", outcome: undefined });
    });

    it("forgets a call that was refused, and each after its time, counted anew from its end", async (t) => {
      const store = await openStore(t, { keepMs: 100 });
      await store.begin(once, 0);
      await store.forget("k");
      await store.forget("k");
      assert.equal(await store.begin(once, 0), undefined);
      await store.end("k", ok, 50);
      assert.notEqual(await store.begin(once, 149), undefined);
      assert.equal(await store.begin(once, 150), undefined);
    });

    it("keeps no more keys and bytes than it may; what would be forgotten first makes room", async (t) => {
      const large: ToolOutcome = { status: "ok", output: JSON.stringify("x".repeat(1000)) };
      for (const limits of [{ keys: 2 }, { bytes: 6000 }]) {
        const store = await openStore(t, limits);
        for (const [index, key] of ["a", "b", "c"].entries()) {
          await store.begin({ ...once, key }, index);
          await store.end(key, large, index);
        }
        assert.notEqual(await store.begin({ ...once, key: "b" }, 3), undefined);
        assert.notEqual(await store.begin({ ...once, key: "c" }, 3), undefined);
        assert.equal(await store.begin({ ...once, key: "a" }, 3), undefined);
      }
    });

    it("answers unavailable after it was closed, which may happen twice", async (t) => {
      const store = await openStore(t);
      await store.close();
      await store.close();
      for (const call of [store.begin(once, 0), store.end("k", ok, 0), store.forget("k")]) {
        await assert.rejects(call, { code: "unavailable" });
      }
    });
  });
}
