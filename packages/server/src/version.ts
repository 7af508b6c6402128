import { createRequire } from "node:module";

// By name, for this code may lie anywhere in its package when it is built.
const manifest: { version: string } = createRequire(import.meta.url)("@loom-bridge/server/package.json");

/** The version of this package. */
export const version: string = manifest.version;
