import { AjvJsonSchemaValidator as ClientValidator } from "@modelcontextprotocol/client/validators/ajv";
import { CfWorkerJsonSchemaValidator } from "@modelcontextprotocol/client/validators/cf-worker";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/ajv-provider.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { type ErrorEnvelope, ownFailure } from "../../src/core/errors.ts";
import { OWN_ERRORS } from "../../src/core/own-errors.ts";
import { ErrorEnvelopeSchema, inputSchema, outputSchema } from "../../src/tools/json-schema.ts";

const Id = z
  .string()
  .regex(/^([a-f0-9]{24})$/)
  .describe("24 hexadecimal digits");
const Success = z.strictObject({
  httpStatus: z.int(),
  job: z.looseObject({ id: Id.exactOptional() }),
  at: z.iso.datetime().optional(),
  links: z.record(z.string(), z.unknown()).optional(),
});
const input = inputSchema(z.strictObject({ groupId: Id, waitSeconds: z.int().min(0).max(40).default(25) }));
const output = outputSchema(Success);

// Throws on unknown keywords and formats and on keywords that do not fit their type. strictRequired stays off, as it is
// by default: it wants `properties` repeated beside every `required`.
const strict = new Ajv2020({ strict: true, strictRequired: false, formats: { "date-time": true } });
const validators = {
  "Ajv 2020 in strict mode": (schema: object) => strict.compile(schema),
  "the v1 client": (schema: object) => {
    const validate = new AjvJsonSchemaValidator().getValidator(schema);
    return (value: unknown) => validate(value).valid;
  },
  "the v2 client": (schema: object) => {
    const validate = new ClientValidator().getValidator({ ...schema });
    return (value: unknown) => validate(value).valid;
  },
  "the v2 client on edge runtimes": (schema: object) => {
    const validate = new CfWorkerJsonSchemaValidator().getValidator({ ...schema });
    return (value: unknown) => validate(value).valid;
  },
};

const fullEnvelope: ErrorEnvelope = {
  error: 404,
  errorCode: "RESOURCE_NOT_FOUND",
  reason: "Not Found",
  detail: "x",
  parameters: ["a"],
  badRequestDetail: { fields: [{ field: "name", description: "y" }] },
  source: "atlas",
  retryable: false,
  retryAfterSeconds: 1.5,
  hint: "z",
};
const success = { httpStatus: 200, job: { id: "5fa1000000000000000000b1", more: 1 } };
const answers: [claim: string, value: unknown, satisfies: boolean][] = [
  ["success", success, true],
  ["simulated success", { ...success, simulated: true, at: "2026-11-22T03:01:00Z" }, true],
  ["a failure", { error: fullEnvelope }, true],
  ["a simulated failure", { error: fullEnvelope, simulated: true }, true],
  ["success beside a failure", { ...success, error: fullEnvelope }, true],
  ["nothing", {}, false],
  ["half a success", { httpStatus: 200 }, false],
  ["an unknown field", { ...success, secret: 1 }, false],
  ["a wrong type", { ...success, httpStatus: "200" }, false],
  ["an envelope without its source", { error: { retryable: true, hint: "x" } }, false],
  ["an envelope with a wrong type", { error: { ...fullEnvelope, retryable: "yes" } }, false],
];

describe.each(Object.entries(validators))("%s", (_name, compile) => {
  const validate = compile(output);
  test.each(answers)("judges %s", (_claim, value, satisfies) => expect(validate(value)).toBe(satisfies));
  test("accepts every failure of this server", () => {
    for (const own of Object.values(OWN_ERRORS)) {
      const { source, retryable, hint } = own;
      expect(validate({ error: { ...ownFailure("INTERNAL_ERROR").envelope, source, retryable, hint } })).toBe(true);
    }
  });
  test("checks arguments", () => {
    const check = compile(input);
    expect(check({ groupId: "5fa1000000000000000000b1" })).toBe(true);
    expect(check({ groupId: "5FA1000000000000000000B1" })).toBe(false);
    expect(check({ groupId: "5fa1000000000000000000b1", group: 1 })).toBe(false);
  });
});

test("the error schema accepts an envelope", () => {
  const structured: z.input<typeof ErrorEnvelopeSchema> = { ...fullEnvelope };
  expect(ErrorEnvelopeSchema.parse(structured)).toEqual(fullEnvelope);
});

test("the emitted schema is compact, has a fixed order and names no dialect", () => {
  expect(JSON.stringify(input)).toBe(
    '{"type":"object","properties":{"groupId":{"type":"string","pattern":"^([a-f0-9]{24})$","description":"24 hexadecimal digits"},"waitSeconds":{"default":25,"type":"integer","minimum":0,"maximum":40}},"required":["groupId"],"additionalProperties":false}',
  );
  expect(JSON.stringify(output)).toBe(
    '{"type":"object","properties":{"httpStatus":{"type":"integer"},"job":{"type":"object","properties":{"id":{"type":"string","pattern":"^([a-f0-9]{24})$","description":"24 hexadecimal digits"}}},"at":{"type":"string","format":"date-time"},"links":{"type":"object"},"simulated":{"type":"boolean"},"error":{"type":"object","properties":{"source":{"type":"string"},"retryable":{"type":"boolean"},"hint":{"type":"string"}},"required":["source","retryable","hint"]}},"anyOf":[{"required":["httpStatus","job"]},{"required":["error"]}],"additionalProperties":false}',
  );
});

test("a tool without arguments accepts an empty object only", () => {
  expect(inputSchema(z.strictObject({}))).toEqual({ type: "object", properties: {}, additionalProperties: false });
});

test("the keys of a record keep their constraint", () => {
  const keyed = inputSchema(z.strictObject({ labels: z.record(z.string().regex(/^a+$/), z.string()) }));
  expect(keyed.properties.labels).toMatchObject({ propertyNames: { pattern: "^a+$" } });
});

test("a format that JSON Schema does not know gives way to its pattern", () => {
  expect(inputSchema(z.strictObject({ sha256: z.hex() })).properties.sha256).toEqual({
    type: "string",
    pattern: "^[0-9a-fA-F]*$",
  });
});

test.each([
  ["a flag", /abc/i, /deep.* has flags/],
  ["a look-ahead", /^(?=a)b$/, /Unportable.*deep/],
  ["a look-behind", /^(?<!a)b$/, /Unportable.*deep/],
  ["a named group", /^(?<year>\d+)$/, /Unportable.*deep/],
  ["a property class", /^\p{L}+$/u, /Unportable.*deep/],
  ["a letter beyond ASCII", /^ä+$/, /Unportable.*deep/],
  ["an escape that Unicode mode refuses", new RegExp(["^", "_$"].join("\\")), /Invalid escape/],
])("a pattern with %s is refused", (_what, pattern, message) => {
  const twice = z.string().regex(/^a/).regex(pattern);
  expect(() => inputSchema(z.strictObject({ deep: z.array(z.string().regex(pattern)) }))).toThrow(message);
  expect(() => inputSchema(z.strictObject({ deep: twice }))).toThrow(message);
});

test.each([
  ["has only optional fields", z.strictObject({ a: z.string().optional() })],
  ["claims the name error", z.strictObject({ error: z.string() })],
  ["claims the name simulated", z.strictObject({ a: z.string(), simulated: z.boolean() })],
])("an output that %s is refused", (_what, schema) => expect(() => outputSchema(schema)).toThrow(TypeError));
