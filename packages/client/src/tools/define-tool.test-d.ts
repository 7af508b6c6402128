// Checked by the compiler alone: each expected error must be one, and everything else none.
import { type } from "arktype";
import * as z from "zod";
import type { Agent } from "../agent.ts";
import { defineTool } from "./define-tool.ts";

declare const agent: Agent;

const search = defineTool({
  name: "web:search",
  description: "",
  input: z.object({ query: z.string(), limit: z.number().default(10) }),
  output: z.object({ hits: z.array(z.string()) }),
  run({ query, limit }, context) {
    const text: string = query;
    const most: number = limit;
    // @ts-expect-error – the caller is a name
    const caller: number = context.caller;
    return { hits: [text, String(most), String(caller)] };
  },
});

export const hits: Promise<{ hits: string[] }> = agent.callTool(search, { query: "x" });
// @ts-expect-error – the query is missing
void agent.callTool(search, {});
// @ts-expect-error – the query is a string
void agent.callTool(search, { query: 1 });
// @ts-expect-error – a call by name has a result of any shape
export const unknownHits: Promise<{ hits: string[] }> = agent.callTool("web:search", { query: "x" });

defineTool({
  name: "t",
  description: "",
  input: type({ a: "number" }),
  // @ts-expect-error – run returns a number for b
  output: z.object({ b: z.string() }),
  run: ({ a }) => ({ b: a }),
});

export const inferred: Promise<number> = agent.callTool(
  defineTool({ name: "t", description: "", input: type({ a: "number" }), run: async ({ a }) => a * 2 }),
  { a: 1 },
);
