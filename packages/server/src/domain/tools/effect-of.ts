import type { ToolDescriptor, ToolEffect } from "./tool.ts";

/** What is done with a tool whose provider does not say what running it twice means. */
export function effectOf({ effect = "once" }: ToolDescriptor): ToolEffect {
  return effect;
}
