import type * as z from "zod";
import type { Atlas } from "../atlas/client.ts";

export interface ToolContext {
  atlas: Atlas;
  now: () => number;
  signal: AbortSignal;
}

/** What a tool does to the world; the protocol's annotations follow from it. */
export type Effect = "reads" | "creates-job";

export interface Tool {
  name: string;
  title: string;
  description: string;
  effect: Effect;
  input: z.ZodObject;
  run: (args: unknown, context: ToolContext) => Promise<object>;
}

/** Ties a tool's handler to its input schema. */
export function defineTool<Input extends z.ZodObject>(
  tool: Omit<Tool, "input" | "run"> & {
    input: Input;
    handler: (args: z.infer<Input>, context: ToolContext) => Promise<object>;
  },
): Tool {
  const { handler, ...rest } = tool;
  return { ...rest, run: (args, context) => handler(tool.input.parse(args), context) };
}
