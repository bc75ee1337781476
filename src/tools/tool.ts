import type * as z from "zod";
import type { Atlas } from "../atlas/client.ts";
import { type Failure, ownFailure } from "../core/errors.ts";
import { clean, nearest } from "../core/text.ts";
import type { CallLimits, Clock } from "../core/time.ts";
import type { SnapshotStore } from "../download/contract.ts";
import type { ToolName } from "./catalog.ts";

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
  projectId?: string | undefined;
  /** The only projects that may be read; all when absent. */
  allowedProjects?: readonly string[] | undefined;
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

interface PreparedCall {
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

/** Enough to recognise what was sent, too little to carry a secret or a page of text. */
const MAX_SHOWN_CHARACTERS = 60;
const MAX_FIELDS = 20;

/** Names each argument that is wrong, what it must look like and what came; nothing was sent. */
export function inputFailure(error: z.ZodError, args: Record<string, unknown>, known: readonly string[]): Failure {
  // Cut first: a line has room for a hundred thousand names, and to compare one costs more than to read it.
  const fields = error.issues.slice(0, MAX_FIELDS).flatMap((issue) => {
    if (issue.code === "unrecognized_keys")
      return issue.keys.slice(0, MAX_FIELDS).map((key) => unknownArgument(key, known));
    const field = issue.path.map(String).join(".");
    const missing = !Object.hasOwn(args, field);
    return [
      {
        field,
        description: missing ? `is missing; it ${issue.message}` : `${issue.message}; got ${shown(args[field])}`,
      },
    ];
  });
  const listed = fields.slice(0, MAX_FIELDS);
  const detail = listed.map(({ field, description }) => `${field} ${description}.`).join(" ");
  return ownFailure("INVALID_INPUT", { detail, badRequestDetail: { fields: listed } });
}

function unknownArgument(key: string, known: readonly string[]) {
  const field = clean(key, MAX_SHOWN_CHARACTERS);
  const meant = nearest(field, known);
  const advice = meant
    ? `did you mean ${meant}?`
    : known.length > 0
      ? `this tool takes ${known.join(", ")}`
      : "this tool takes none";
  return { field, description: `is an unknown argument; ${advice}` };
}

function shown(value: unknown): string {
  const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  if (type === "object" || type === "array") return `an ${type}`;
  const text = clean(JSON.stringify(value) ?? "nothing", MAX_SHOWN_CHARACTERS);
  if (type !== "string") return `${text} (${type})`;
  // One that was cut has lost its closing quote.
  return `the string ${text.endsWith('"') ? text : `${text}"`}`;
}
