import type * as z from "zod";
import type { Atlas } from "../atlas/client.ts";
import type { CallLimits, Clock } from "../core/time.ts";
import type { SnapshotStore } from "../download/contract.ts";
import type { ToolName } from "./catalog.ts";
import { inputFailure } from "./input-failure.ts";

export interface Progress {
  progress: number;
  total?: number;
  message?: string;
}

/** What a handler may use of the world outside, for one call. */
export interface ToolContext extends CallLimits {
  atlas: Atlas;
  store: SnapshotStore;
  clock: Clock;
  /** Keeps links out of answers; their host and expiry stay. */
  hideSnapshotUrls: boolean;
  /** The project that is meant when none is named. */
  projectId?: string;
  /** The only projects that may be read; all when absent. */
  allowedProjects?: readonly string[];
  /** Tells whoever asked for it how far the call is; does nothing otherwise. */
  report: (progress: Progress) => void;
  /** The sentence when that tool is registered, else the other one: advice never names a tool that is not there. */
  ifTool: (name: ToolName, sentence: string, otherwise?: string) => string;
}

export interface Tool {
  name: ToolName;
  title: string;
  description: string;
  input: z.ZodObject;
  /** What a success looks like; the error form is added where schemas are emitted. */
  output: z.ZodObject;
  /** Reads the arguments of one call; throws `INVALID_INPUT` when they do not satisfy `input`. */
  prepare: (args: Record<string, unknown>) => PreparedCall;
}

export interface PreparedCall {
  /** As they were read. */
  args: Readonly<Record<string, unknown>>;
  /** Resolves with a value that satisfies the tool's `output`. */
  run: (context: ToolContext) => Promise<object>;
}

/** Ties a tool's handler to its schemas. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  tool: Omit<Tool, "input" | "output" | "prepare"> & {
    input: Input;
    output: Output;
    handler: (args: z.infer<Input>, context: ToolContext) => Promise<z.input<Output>>;
  },
): Tool {
  const { handler, ...rest } = tool;
  return {
    ...rest,
    prepare(given) {
      const { success, data, error } = tool.input.safeParse(given);
      if (!success) throw inputFailure(error, given, Object.keys(tool.input.shape));
      return { args: data, run: async (context) => tool.output.parse(await handler(data, context)) };
    },
  };
}
