import type { BridgeTool } from "@loom-bridge/server";

/** A tool of the bridge itself that takes anything and returns nothing. */
export const bridgeTool: BridgeTool = {
  descriptor: { name: "bridge:tool", description: "", parametersSchema: "", metadata: {} },
  run: async () => null,
};
