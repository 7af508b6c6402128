import { bridgeTest } from "@loom-bridge/testing/node";
import { cases, type Topics } from "./cases.ts";

for (const [name, run] of Object.entries(cases)) bridgeTest<Topics>(name, run);
