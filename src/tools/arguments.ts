// Reads the arguments of one call: takes what is meant without doubt, and says of the rest what is wrong and what helps.
import * as z from "zod";
import { type Failure, ownFailure } from "../core/errors.ts";
import { clean, nearest, quoted } from "../core/text.ts";
import type { IfTool } from "./catalog.ts";

/** An argument that was refused. */
export interface Refused {
  given: unknown;
  /** Whether the tool can do without it. */
  isOptional: boolean;
  ifTool: IfTool;
}

/** What is known of an argument besides its schema. */
export const TRAITS = z.registry<{
  /** An id that is "" was lost on its way; if it counted as absent, it would mean "any project" or "the latest". */
  isId?: boolean;
  /** Where the right value comes from: sentences without the last full stop. */
  whereFrom: (refused: Refused) => string;
}>();

/**
 * The arguments as `input` declares them, defaults included, and what the caller should know of how they were read. Models and
 * strict converters of schemas send more than a schema allows: for what is optional, `null` counts as absent, and so does "" but
 * for ids; a number as text, out of range or with a fraction becomes the nearest allowed one. Throws `INVALID_INPUT` for the rest.
 */
export function readArguments<Input extends z.ZodObject>(
  input: Input,
  given: Record<string, unknown>,
  ifTool: IfTool,
): { args: z.infer<Input>; notes: string[] } {
  const notes: string[] = [];
  const note = (sentence: string) => void notes.push(sentence);
  const schemaOf = (name: string) => (Object.hasOwn(input.shape, name) ? input.shape[name] : undefined);
  const meant = Object.entries(given).flatMap(([name, value]) => {
    const schema = schemaOf(name);
    if (schema === undefined) return [[name, value]];
    if (isAbsent(schema, value)) return [];
    const declared = withoutOptional(schema);
    return [[name, declared instanceof z.ZodNumber ? nearestNumber(name, declared, value, note) : value]];
  });
  const { success, data, error } = input.safeParse(Object.fromEntries(meant));
  if (success) return { args: data, notes };
  throw inputFailure(error, given, Object.keys(input.shape), (name) => {
    const schema = schemaOf(name);
    if (schema === undefined) return "";
    const refused = { given: given[name], isOptional: isOptional(schema), ifTool };
    return TRAITS.get(withoutOptional(schema))?.whereFrom(refused) ?? "";
  });
}

function withoutOptional(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? withoutOptional(schema.unwrap()) : schema;
}

const isOptional = (schema: z.core.$ZodType) => withoutOptional(schema) !== schema;

/** What is required and counts as absent is refused, with the value that came. */
const isAbsent = (schema: z.core.$ZodType, value: unknown) =>
  value === null || (value === "" && !TRAITS.get(withoutOptional(schema))?.isId);

const DECIMAL = /^\s*-?\d+(\.\d+)?\s*$/;

/** All numbers of this server are whole ones. What is no number stays as it is, to be refused. */
function nearestNumber(
  name: string,
  { minValue, maxValue }: z.ZodNumber,
  value: unknown,
  note: (sentence: string) => void,
): unknown {
  const isText = typeof value === "string" && DECIMAL.test(value);
  const wanted = isText ? Number(value) : value;
  if (typeof wanted !== "number") return value;
  const most = Math.min(maxValue ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const taken = Math.min(Math.max(Math.round(wanted), minValue ?? Number.MIN_SAFE_INTEGER), most);
  if (isText) note(`${name} came as text and was read as a number.`);
  // Where the schema has no maximum, the tool says what it takes instead.
  if (taken !== wanted && taken !== Number.MAX_SAFE_INTEGER)
    note(`${name} was taken as ${taken}, the nearest allowed number.`);
  return taken;
}

/** Enough to recognise what was sent, too little for a page of text. */
const MAX_SHOWN_CHARACTERS = 60;
const MAX_FIELDS = 20;

/** Names each wrong argument, its rule, the value received, and what `adviceOf` says of that argument. */
export function inputFailure(
  error: z.ZodError,
  args: Record<string, unknown>,
  known: readonly string[],
  adviceOf: (name: string) => string,
): Failure {
  // Cut first: a call can have a hundred thousand unknown names, and comparing each with the known ones is costly.
  const fields = error.issues.slice(0, MAX_FIELDS).flatMap((issue) => {
    if (issue.code === "unrecognized_keys")
      return issue.keys.slice(0, MAX_FIELDS).map((key) => unknownArgument(key, known));
    const name = issue.path.map(String).join(".");
    const isMissing = !Object.hasOwn(args, name);
    const rule = isMissing ? `is missing; it ${issue.message}` : `${issue.message}; got ${shown(args[name])}`;
    const description = [rule, adviceOf(name)].filter(Boolean).join(". ");
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
