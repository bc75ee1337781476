// What a tool is: its schemas and handler, and what a handler may use.
import * as z from "zod";
import type { Atlas } from "../atlas/client.ts";
import { type CallLimits, type Clock, USUAL_MAX_WAIT_SECONDS } from "../core/time.ts";
import type { SaveReport, SnapshotStore, WaitOptions } from "../download/contract.ts";
import { readArguments } from "./arguments.ts";
import type { IfTool, ToolName } from "./catalog.ts";

export interface Progress {
  progress: number;
  total?: number;
  message?: string;
}

/** The settings that tools depend on. */
export interface ToolSettings {
  /** Keeps links out of answers; their host and expiry stay. */
  hideSnapshotUrls: boolean;
  /** The project to look at when none is named. */
  projectId?: string | undefined;
  /** The only projects that may be read; undefined for all. */
  allowedProjects?: readonly string[] | undefined;
  /** The longest `waitSeconds`. */
  maxWaitSeconds: number;
}

/** A save as it was asked for. */
export interface SaveOrder {
  name: string;
  groupId?: string | undefined;
  snapshotId?: string | undefined;
  fileName?: string | undefined;
}

export interface SaveAnswer extends SaveReport {
  /** What the order means; absent while that is looked up. */
  target?: { groupId: string; snapshotId: string; projectName?: string };
  /** Names the lookup that goes on without the call. */
  ticket?: string;
}

export interface Saves {
  /** The clusters whose backup is being looked up, before anything of it can be listed. */
  lookingUp: () => string[];
  /** The snapshots that lookups have found after their calls had ended, each by its `ticket`. The latest 32. */
  found: () => Readonly<Record<string, string>>;
  /** Waits for lookups that run, since one may be for this snapshot; their saves have begun when this resolves. */
  settled: (signal: AbortSignal) => Promise<void>;
  save: (order: SaveOrder, wait: WaitOptions<SaveReport>) => Promise<SaveAnswer>;
}

/** What a handler may use during one call. */
export interface ToolContext extends CallLimits, ToolSettings {
  atlas: Atlas;
  store: SnapshotStore;
  saves: Saves;
  clock: Clock;
  /** Reports progress to a client that asked for it; does nothing otherwise. */
  report: (progress: Progress) => void;
  /** Adds facts to the answer that only the view of a save reads; dropped for clients without it. */
  aside: (facts: object) => void;
  /** Puts a sentence before the answer's `nextStep`. */
  note: (sentence: string) => void;
  ifTool: IfTool;
}

export interface Tool {
  name: ToolName;
  title: string;
  description: string;
  input: z.ZodObject;
  /** What a success looks like; the error form is added where the schema is emitted. */
  output: z.ZodObject;
  /** Reads the arguments of one call; throws `INVALID_INPUT` when they cannot be read as `input` declares them. */
  prepare: (args: Record<string, unknown>, ifTool: IfTool) => PreparedCall;
}

/** What a prepared call still needs. */
type CallContext = Omit<ToolContext, "note" | "ifTool">;

interface PreparedCall {
  /** The arguments after reading, defaults included. */
  args: Readonly<Record<string, unknown>>;
  /** Resolves with a value that satisfies the tool's `output`. */
  run: (context: CallContext) => Promise<object>;
}

/**
 * How long a call waits, in milliseconds. Where the longest wait was raised, it is also the default of calls that wait by
 * default, so that a long transfer is one call.
 */
export function waitMsOf(
  asked: number | undefined,
  usual: number,
  { maxWaitSeconds, note }: Pick<ToolContext, "maxWaitSeconds" | "note">,
): number {
  if (asked !== undefined && asked > maxWaitSeconds)
    note(`waitSeconds was taken as ${maxWaitSeconds}, the longest that this server waits.`);
  const isRaised = usual > 0 && maxWaitSeconds > USUAL_MAX_WAIT_SECONDS;
  return 1000 * Math.min(asked ?? (isRaised ? maxWaitSeconds : usual), maxWaitSeconds);
}

function withNotes(value: object, notes: readonly string[]): object {
  const nextStep = "nextStep" in value && typeof value.nextStep === "string" ? value.nextStep : "";
  return { ...value, nextStep: [...notes, nextStep].filter(Boolean).join(" ") };
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
    prepare(given, ifTool) {
      const { args, notes } = readArguments(tool.input, given, ifTool);
      const note = (sentence: string) => void notes.push(sentence);
      const run = async (context: CallContext) => {
        const value = await handler(args, { ...context, ifTool, note });
        return tool.output.parse(notes.length > 0 ? withNotes(value, notes) : value);
      };
      return { args, run };
    },
  };
}

/** What the fields of answers mean. For docs/tools.md only: as descriptions in the schemas, every client would load them. */
export const MEANINGS = z.registry<{ meaning: string }>();

/**
 * A field of an answer with its meaning. In the documentation, the names of the nested fields replace `{fields}`; they then have
 * no rows of their own.
 */
export function field<Schema extends z.ZodType>(meaning: string, schema: Schema): Schema {
  MEANINGS.add(schema, { meaning });
  return schema;
}

export const text = (meaning: string) => field(meaning, z.string());
export const optionalText = (meaning: string) => field(meaning, z.string().optional());
export const count = (meaning: string) => field(meaning, z.number());
export const optionalCount = (meaning: string) => field(meaning, z.number().optional());

export const truncated = field("`true`: there is more than is shown.", z.boolean().optional());

/** In every answer, and explained once at the head of docs/tools.md. */
export const nextStep = z.string();

/** The next step where none is left. */
export const NOTHING_LEFT = "There is nothing else to do here.";
