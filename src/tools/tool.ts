// What a tool is: its schemas and handler, what a handler may use, and the failure for invalid arguments.
import * as z from "zod";
import type { Atlas } from "../atlas/client.ts";
import { type Failure, ownFailure } from "../core/errors.ts";
import { clean, nearest, quoted } from "../core/text.ts";
import type { CallLimits, Clock } from "../core/time.ts";
import type { SaveReport, SnapshotStore, WaitOptions } from "../download/contract.ts";
import type { ToolName } from "./catalog.ts";

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
}

export interface Saves {
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
  /** Puts a sentence before the answer's `nextStep`. */
  note: (sentence: string) => void;
  /** `sentence` if that tool is offered, else `otherwise`: advice never names a tool that is not offered. */
  ifTool: (name: ToolName, sentence: string, otherwise?: string) => string;
}

export interface Tool {
  name: ToolName;
  title: string;
  description: string;
  input: z.ZodObject;
  /** What a success looks like; the error form is added where the schema is emitted. */
  output: z.ZodObject;
  /** Reads the arguments of one call; throws `INVALID_INPUT` when they do not satisfy `input`. */
  prepare: (args: Record<string, unknown>) => PreparedCall;
}

interface PreparedCall {
  /** The arguments after reading, defaults included. */
  args: Readonly<Record<string, unknown>>;
  /** Resolves with a value that satisfies the tool's `output`. */
  run: (context: Omit<ToolContext, "note">) => Promise<object>;
}

/** Clients give up after 60 seconds, some sooner; more is for those that the person knows to wait longer. */
export const USUAL_MAX_WAIT_SECONDS = 40;

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
    prepare(given) {
      const { success, data, error } = tool.input.safeParse(given);
      if (!success) throw inputFailure(error, given, Object.keys(tool.input.shape));
      const run = async (context: Omit<ToolContext, "note">) => {
        const notes: string[] = [];
        const value = await handler(data, { ...context, note: (sentence) => void notes.push(sentence) });
        return tool.output.parse(notes.length > 0 ? withNotes(value, notes) : value);
      };
      return { args: data, run };
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

/** Enough to recognise what was sent, too little for a page of text. */
const MAX_SHOWN_CHARACTERS = 60;
const MAX_FIELDS = 20;

/** Names each wrong argument, its rule and the value received. */
export function inputFailure(error: z.ZodError, args: Record<string, unknown>, known: readonly string[]): Failure {
  // Cut first: a call can have a hundred thousand unknown names, and comparing each with the known ones is costly.
  const fields = error.issues.slice(0, MAX_FIELDS).flatMap((issue) => {
    if (issue.code === "unrecognized_keys")
      return issue.keys.slice(0, MAX_FIELDS).map((key) => unknownArgument(key, known));
    const name = issue.path.map(String).join(".");
    const isMissing = !Object.hasOwn(args, name);
    const description = isMissing ? `is missing; it ${issue.message}` : `${issue.message}; got ${shown(args[name])}`;
    return [{ field: name, description, title: name }];
  });
  const listed = fields.slice(0, MAX_FIELDS);
  const detail = listed.map(({ title, description }) => `${title} ${description}.`).join(" ");
  const named = listed.map(({ field, description }) => ({ field, description }));
  return ownFailure("INVALID_INPUT", { detail, badRequestDetail: { fields: named } });
}

function unknownArgument(key: string, known: readonly string[]) {
  const name = clean(key, MAX_SHOWN_CHARACTERS);
  const meant = nearest(name, known);
  const advice = meant
    ? `did you mean ${meant}?`
    : known.length > 0
      ? `this tool takes ${known.join(", ")}`
      : "this tool takes none";
  // Unlike the names of our own arguments, this one can be any text.
  return { field: name, description: `is an unknown argument; ${advice}`, title: quoted(name) };
}

function shown(value: unknown): string {
  const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  if (type === "object" || type === "array") return `an ${type}`;
  const json = JSON.stringify(value) ?? "nothing";
  if (type !== "string") return `${json} (${type})`;
  // The escapes of JSON show a line break, which may be all that is wrong.
  return `the string ${quoted(json.slice(1, -1), MAX_SHOWN_CHARACTERS)}`;
}
