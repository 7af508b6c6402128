import { bridgeTest } from "@loom-bridge/testing/vitest";
import { cases, type Topics } from "./cases.ts";

const test = bridgeTest<Topics>();
for (const [name, run] of Object.entries(cases)) test.concurrent(name, ({ bridge }) => run(bridge));
