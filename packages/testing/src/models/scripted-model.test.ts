import assert from "node:assert/strict";
import { test } from "node:test";
import { scriptedModel } from "./scripted-model.ts";

test("a scripted model answers by what it is asked, whatever it was asked before", async () => {
  const model = scriptedModel([
    { when: "price", reply: "64 000", times: 1 },
    { when: /price/i, reply: "no idea" },
    { when: (prompt) => prompt.startsWith("sum"), reply: (prompt) => String(prompt.length) },
  ]);
  const asked = ["sum up", "the price?", "PRICE again", "sum"].map((prompt) => model.complete(prompt));
  assert.deepEqual(await Promise.all(asked), ["6", "64 000", "no idea", "3"]);
  assert.deepEqual(model.prompts[1], { prompt: "the price?", reply: "64 000" });
  model.assertConsumed();
});

test("a prompt that no answer is for is shown with the answers there are, and so is an answer that was not used", async () => {
  const model = scriptedModel<{ role: string; text: string }>([{ when: { role: "user" }, reply: "yes", times: 2 }]);
  await assert.rejects(model.complete({ role: "system", text: "hi" }), (error: Error) => {
    assert.match(
      error.message,
      /no answer for \{"role":"system","text":"hi"\}\n\nit has answers for:\n {2}\{"role":"user"\}/,
    );
    return true;
  });
  assert.equal(await model.complete({ role: "user", text: "well?" }), "yes");
  assert.throws(() => model.assertConsumed(), /\{"role":"user"\}: 1 of 2 times/);
});

test("a model that is to fail throws what its answer throws", async () => {
  const model = scriptedModel([{ reply: () => Promise.reject(new Error("overloaded")) }]);
  await assert.rejects(model.complete("anything"), /overloaded/);
});
