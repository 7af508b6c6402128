export { assertDeterministic } from "./explore/assert-deterministic.ts";
export { type Explored, type ExploreOptions, explore } from "./explore/explore.ts";
