import { z } from "zod";
import { defineTool } from "../tools/define-tool.ts";
import type { EventContext } from "./event-context.ts";

declare const context: EventContext;
const add = defineTool({
  name: "add",
  description: "Adds",
  input: z.object({ a: z.number(), b: z.number() }),
  run: ({ a, b }) => ({ sum: a + b }),
});

export const sum: Promise<{ sum: number }> = context.tool(add, { payload: { a: 1, b: 2 } });
export const unknown: Promise<unknown> = context.tool("add", { payload: { a: 1 } });
// @ts-expect-error – the tool's arguments are numbers
export const wrong: unknown = context.tool(add, { payload: { a: "1", b: 2 } });
