// Turns zod schemas into small JSON Schemas that every client can compile.
import * as z from "zod";

/** The only kind of schema that tools may declare: its root is an object. */
export interface ObjectSchema {
  [keyword: string]: unknown;
  type: "object";
  properties: Record<string, object>;
  required?: string[];
}

/**
 * The error part of every tool's output, which every `ErrorEnvelope` satisfies. `tools/list` repeats it for each tool, so it names
 * only the fields that every failure has.
 */
export const ErrorEnvelopeSchema = z.looseObject({
  source: z.string(),
  retryable: z.boolean(),
  hint: z.string(),
});

const Emitted = z.looseObject({
  type: z.literal("object"),
  properties: z.record(z.string(), z.looseObject({})),
  required: z.array(z.string()).exactOptional(),
});

/** Names that every tool's output has besides its own fields. */
const RESERVED = ["error", "simulated"];

/**
 * The JSON Schema of a tool's arguments, without `$schema`: 2020-12 is the protocol's default dialect, and every keyword used here
 * means the same in draft 07. Throws on a pattern that some clients cannot compile.
 */
export function inputSchema(schema: z.ZodObject): ObjectSchema {
  return emit(schema, "input");
}

/**
 * The JSON Schema of a tool's `structuredContent`: either every required field of `success`, or `error`. If all were optional,
 * anything would satisfy the schema. Throws when `success` requires no field.
 */
export function outputSchema(success: z.ZodObject): ObjectSchema {
  const { type, properties, required, ...rest } = emit(success, "output");
  if (!required?.length) throw new TypeError("A tool's output must have at least one required field");
  const clash = RESERVED.find((name) => Object.hasOwn(properties, name));
  if (clash) throw new TypeError(`A tool's output must leave the name ${clash} to the protocol`);
  return {
    type,
    properties: { ...properties, simulated: { type: "boolean" }, error: emit(ErrorEnvelopeSchema, "output") },
    anyOf: [{ required }, { required: ["error"] }],
    ...rest,
    additionalProperties: false,
  };
}

/** Formats that JSON Schema defines. Zod adds a pattern of up to 330 characters that says the same. */
const FORMATS = ["date-time", "date", "time", "duration", "email", "ipv4", "ipv6", "uri", "uuid"];

function emit(schema: z.ZodObject, io: "input" | "output"): ObjectSchema {
  const { $schema: _default, ...json } = z.toJSONSchema(schema, {
    io,
    override: ({ zodSchema, jsonSchema, path }) => {
      removeNoise(jsonSchema, { isRoot: path.length === 0, io });
      const where = path.map(String).join(".");
      for (const { pattern } of [jsonSchema, ...(jsonSchema.allOf ?? [])]) refuseUnportable(pattern ?? "", where);
      if (hasFlaggedPattern(zodSchema)) throw new TypeError(`A pattern at ${where} has flags, which would be lost`);
    },
  });
  return Emitted.parse(json);
}

/** Removes what zod adds and nobody needs: a model pays for every byte of `tools/list` in each conversation. */
function removeNoise(
  json: z.core.JSONSchema.BaseSchema,
  { isRoot, io }: { isRoot: boolean; io: "input" | "output" },
): void {
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
  if (json.format && FORMATS.includes(json.format)) delete json.pattern;
  else delete json.format;
  if (JSON.stringify(json.propertyNames) === '{"type":"string"}') delete json.propertyNames;
  if (isEmpty(json.items)) delete json.items;
  // Results are checked before they are sent, so only the outermost object has to forbid other fields.
  if (isEmpty(json.additionalProperties) || (io === "output" && !isRoot)) delete json.additionalProperties;
  // The root keeps an empty `properties`: some model providers refuse an object without it.
  if (!isRoot && isEmpty(json.properties)) delete json.properties;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** Python's `re`, Go's RE2, grammar compilers and Ajv (with flag `u`) all understand ASCII without look-around and property classes. */
function refuseUnportable(pattern: string, where: string): void {
  const unportable = !/^[\x20-\x7e]*$/.test(pattern) || /\(\?(?!:)|\\[pPk]/.test(pattern);
  if (unportable) throw new TypeError(`Unportable pattern at ${where}: ${pattern}`);
  new RegExp(pattern, "u");
}

function hasFlaggedPattern(schema: z.core.$ZodType): boolean {
  const checks = schema._zod.def.checks ?? [];
  return checks.some((check) => check instanceof z.core.$ZodCheckRegex && check._zod.def.pattern.flags !== "");
}
