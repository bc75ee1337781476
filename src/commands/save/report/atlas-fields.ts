// Counts the fields of Atlas's answers, and says where an answer differs from what MongoDB documents.
import {
  CHALLENGE_STATUS,
  type Documented,
  ENUM_FIELDS,
  ERROR_FIELDS,
  ERROR_MEDIA_TYPE,
  type FieldKind,
  OPERATIONS,
  TOKEN,
  TOKEN_ERROR_FIELDS,
} from "./documented.ts";
import type { Hidden } from "./hidden.ts";
import { dateForm, enumShown, isFieldShown, times } from "./shown.ts";

/** Answers that look the same. */
export interface Group {
  operation: string;
  /** Absent when no usable answer arrived. */
  status?: number;
  mediaType: string;
  codings: string[];
  /** An error code of Atlas, or of the failure in place of an answer. */
  code?: string;
  count: number;
  ms: number[];
  bytes: number[];
  query: Set<string>;
  headers: Set<string>;
  notes: Set<string>;
  isJson: boolean;
  fields: FieldCounts;
}

/** By path, such as `results[].status`; the empty path stands for the whole body. */
export type FieldCounts = Map<string, FieldCount>;

interface FieldCount {
  count: number;
  types: Set<string>;
  /** The forms of dates and the words of enumerations, and how often each came. */
  values: Map<string, number>;
}

/** A hostile answer may have any number of fields and values. */
const MAX_FIELDS = 400;
export const MAX_VALUES = 40;
const MAX_DEPTH = 6;

/** As in every recorded answer. */
const USUAL_DATE = "9999-99-99T99:99:99Z";
export const FORM_OF_DATE = /^[9T:.Z+ -]+$/;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const lastOf = (path: string) => path.slice(path.lastIndexOf(".") + 1);
export const parentOf = (path: string) => (path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : "");

const typeOf = (value: unknown) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);

export function countFields(fields: FieldCounts, value: unknown, path = "", depth = 0): void {
  const field = fields.get(path) ?? { count: 0, types: new Set(), values: new Map() };
  if (!fields.has(path) && fields.size >= MAX_FIELDS) return;
  fields.set(path, field);
  field.count += 1;
  field.types.add(typeOf(value));
  if (depth >= MAX_DEPTH) return;
  if (typeof value === "string") {
    const seen = dateForm(value) ?? (ENUM_FIELDS.has(lastOf(path)) ? value : undefined);
    if (seen !== undefined && (field.values.has(seen) || field.values.size < MAX_VALUES))
      field.values.set(seen, (field.values.get(seen) ?? 0) + 1);
  } else if (Array.isArray(value)) {
    for (const item of value) countFields(fields, item, `${path}[]`, depth + 1);
  } else if (isObject(value)) {
    for (const [name, item] of Object.entries(value)) {
      // A dot in it would make a path of it.
      const step = name.replaceAll(".", "/");
      countFields(fields, item, path === "" ? step : `${path}.${step}`, depth + 1);
    }
  }
}

type Fields = Documented["fields"];

/** What is documented of an answer with this status. */
export function documentedOf({ operation, status = 0 }: Pick<Group, "operation" | "status">): Partial<Documented> {
  if (status < 400) return OPERATIONS[operation] ?? {};
  return { fields: operation === TOKEN ? TOKEN_ERROR_FIELDS : ERROR_FIELDS, mediaType: ERROR_MEDIA_TYPE };
}

/** With `envelope=true`, a resource is in a field of its own. */
const withoutEnvelope = (path: string) => path.replace(/^content\.(?=.)/, "");

export function kindOf(path: string, fields: Fields): FieldKind | undefined {
  const bare = withoutEnvelope(path);
  return Object.hasOwn(fields, bare) ? fields[bare] : undefined;
}

/** Whether every name of a path is documented, or may be shown anyway. */
export function isPathShown(path: string, fields: Fields, hidden: Hidden): boolean {
  const known = new Set(Object.keys(fields).flatMap((each) => each.replaceAll("[]", "").split(".")));
  return path
    .replaceAll("[]", "")
    .split(".")
    .every((name) => known.has(name) || isFieldShown(name, hidden));
}

export function valueShown(value: string, kind: FieldKind | undefined, hidden: Hidden): string {
  if (FORM_OF_DATE.test(value)) return value;
  return enumShown(value, hidden, typeof kind === "object" ? kind : []);
}

export function differencesOf(group: Group, hidden: Hidden): string[] {
  const { operation, status, mediaType, codings, count, isJson, headers } = group;
  const known = OPERATIONS[operation];
  if (!known) return [`${operation} is not an operation that this program knows.`];
  if (status === undefined || headers.size === 0) return [`${operation} got no usable answer, ${times(count)}.`];
  const { fields = {}, mediaType: usual = mediaType } = documentedOf(group);
  const isOdd = (condition: boolean, what: string) => (condition ? [`${operation} with ${status}: ${what}`] : []);
  const isDocumented = known.statuses.includes(status) || status === CHALLENGE_STATUS;
  return [
    ...isOdd(!isDocumented, "this status is not documented."),
    ...isOdd(isJson && mediaType !== usual, `the media type is ${mediaType}, not ${usual}.`),
    ...isOdd(codings.length > 0, `the body has a content coding (${codings.join(", ")}), although none was asked for.`),
    ...isOdd(!isJson && Object.keys(fields).length > 0, "the body is empty or no JSON."),
    ...isOdd(headers.has("sunset") || headers.has("deprecation"), "headers announce the end of this version."),
    ...(isJson ? fieldDifferences(group, fields, hidden).flatMap((what) => isOdd(true, what)) : []),
  ];
}

function fieldDifferences(group: Group, documented: Fields, hidden: Hidden): string[] {
  const paths = [...new Set([...group.fields.keys()].map(withoutEnvelope))];
  // What is within an unknown field is unknown too: the sentence names the outermost.
  const isListed = (path: string) => path === "" || path.endsWith("[]") || kindOf(path, documented) !== undefined;
  const unknown = paths.filter((path) => !isListed(path) && isListed(parentOf(path)));
  const shown = unknown.filter((path) => isPathShown(path, documented, hidden)).slice(0, MAX_VALUES);
  const left = unknown.length - shown.length;
  const named = [...shown, ...(left > 0 ? [`${left} not shown`] : [])].join(", ");
  const missing = Object.keys(documented).filter((path) => !paths.includes(path) && paths.includes(parentOf(path)));
  const odd = [...group.fields].flatMap(([path, { values }]) => {
    const kind = kindOf(path, documented);
    const isUsual = (value: string) => kind === undefined || kind === "other" || kind.includes(value);
    const others = [...values.keys()].filter((value) => (kind === "date" ? value !== USUAL_DATE : !isUsual(value)));
    const words = [...new Set(others.map((value) => valueShown(value, kind, hidden)))];
    return words.length === 0 ? [] : [`${path} has values that are not documented: ${words.join(", ")}.`];
  });
  return [
    ...(named === "" ? [] : [`fields that are not documented: ${named}.`]),
    ...(missing.length === 0 ? [] : [`documented fields that are always missing: ${missing.join(", ")}.`]),
    ...odd,
  ];
}
