import type * as z from "zod";
import { type Failure, ownFailure } from "../core/errors.ts";
import { clean, nearest } from "../core/text.ts";

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
