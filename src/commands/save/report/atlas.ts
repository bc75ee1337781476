// Describes what Atlas answered: each operation, and the course of download jobs.
import type { Exchange } from "../../../atlas/access.ts";
import {
  countFields,
  differencesOf,
  documentedOf,
  FORM_OF_DATE,
  type Group,
  isObject,
  isPathShown,
  kindOf,
  lastOf,
  MAX_VALUES,
  parentOf,
  valueShown,
} from "./atlas-fields.ts";
import { DOWNLOAD, operationOf, QUERY_PARAMETERS } from "./documented.ts";
import type { Hidden } from "./hidden.ts";
import { hideHeaders, hideJson, hideRequest } from "./observed.ts";
import {
  challengesOf,
  codeShown,
  codingsOf,
  enumShown,
  headerList,
  knownList,
  mediaTypeOf,
  msRange,
  serverOf,
  sizeRange,
  times,
} from "./shown.ts";

/** So many different answers come from no honest service. */
const MAX_GROUPS = 400;
const MAX_JOBS = 1_000;
/** As many measurements as tell the range. */
const MAX_MEASURED = 10_000;
/** Lines about the fields of one group, and about jobs. */
const MAX_LINES = 24;

export function createAtlasNotes(hidden: Hidden) {
  const groups = new Map<string, Group>();
  const jobs: JobSeen[] = [];
  let requestedAt: number | undefined;
  let linkAfterMs: number | undefined;

  function groupFor({ request, response, failure }: Exchange): Group {
    const operation = operationOf(request.method, request.url);
    const status = response?.status ?? failure?.status;
    const mediaType = response ? (mediaTypeOf(response.headers) ?? "no media type") : "";
    const codings = response ? codingsOf(response.headers) : [];
    const code = response ? errorCodeOf(response.json) : failure?.code;
    const isJson = response?.json !== undefined;
    const key = JSON.stringify([operation, status, mediaType, codings, code, isJson]);
    const group = groups.get(key) ?? {
      operation,
      ...(status !== undefined && { status }),
      mediaType,
      codings,
      ...(code !== undefined && { code }),
      count: 0,
      ms: [],
      bytes: [],
      query: new Set(),
      headers: new Set(),
      notes: new Set(),
      isJson,
      fields: new Map(),
    };
    if (groups.size < MAX_GROUPS) groups.set(key, group);
    return group;
  }

  return {
    /** `now` counts from any moment. */
    observe: (exchange: Exchange, now: number): void => {
      const { request, response, ms } = exchange;
      hideRequest(hidden, request);
      const group = groupFor(exchange);
      group.count += 1;
      for (const name of request.url.searchParams.keys()) group.query.add(name);
      if (group.ms.length < MAX_MEASURED) group.ms.push(ms);
      if (!response) return;
      const { headers, json, bodyBytes = 0 } = response;
      hideHeaders(hidden, headers);
      hideJson(hidden, json);
      if (group.bytes.length < MAX_MEASURED) group.bytes.push(bodyBytes);
      for (const name of Object.keys(headers)) group.headers.add(name);
      for (const challenge of challengesOf(headers)) group.notes.add(`asks for ${challenge}`);
      group.notes.add(`server: ${serverOf(headers)}`);
      if (json !== undefined) countFields(group.fields, json);
      const found = jobsIn(json).map((job) => ({ ...job, operation: group.operation }));
      jobs.push(...found.slice(0, MAX_JOBS - jobs.length));
      if (group.operation === DOWNLOAD) requestedAt ??= now;
      if (requestedAt !== undefined && found.some(({ hasLink }) => hasLink)) linkAfterMs ??= now - requestedAt;
    },
    describe: (): string[] => {
      const all = [...groups.values()];
      const operations = [...new Set(all.map(({ operation }) => operation))];
      return [
        ...operations.flatMap((operation) => [
          `### ${operation}`,
          "",
          ...all.filter((group) => group.operation === operation).flatMap((group) => linesOf(group, hidden)),
          "",
        ]),
        ...jobLines(jobs, linkAfterMs, hidden),
      ];
    },
    differences: (): string[] => [...groups.values()].flatMap((group) => differencesOf(group, hidden)),
  };
}

function errorCodeOf(json: unknown): string | undefined {
  const body = withoutEnvelope(json);
  if (!isObject(body)) return undefined;
  const code = body.errorCode ?? body.error;
  return typeof code === "string" ? code : undefined;
}

const withoutEnvelope = (json: unknown) => (isObject(json) && isObject(json.content) ? json.content : json);

function linesOf(group: Group, hidden: Hidden): string[] {
  const { status, count, code, mediaType, codings, bytes, ms, query, headers, notes } = group;
  const facts = [
    ...(code === undefined ? [] : [codeShown(code, hidden)]),
    ...(headers.size === 0 ? [] : [mediaType, codings.join(", ") || "no content coding", sizeRange(...bytes)]),
    msRange(ms),
  ];
  const head = `- ${status ?? "no answer"}, ${times(count)}: ${facts.join("; ")}`;
  if (headers.size === 0) return [head];
  return [
    head,
    ...(query.size === 0 ? [] : [`  - query: ${knownList(query, QUERY_PARAMETERS)}`]),
    `  - headers: ${headerList(headers, hidden)}`,
    `  - ${[...notes].sort().slice(0, MAX_VALUES).join("; ")}`,
    ...(group.isJson ? fieldLines(group, hidden) : ["  - body: empty or no JSON"]),
  ];
}

/** One line for each object that has fields, and one for each field with values to show. */
function fieldLines(group: Group, hidden: Hidden): string[] {
  const { fields: documented = {} } = documentedOf(group);
  const fields = [...group.fields];
  const isShown = (path: string) => path === "" || isPathShown(path, documented, hidden);
  const objects = fields.flatMap(([parent, { count: of, types }]) => {
    if (!types.has("object") || !isShown(parent)) return [];
    const children = fields.filter(([path]) => path !== "" && parentOf(path) === parent && !path.endsWith("[]"));
    const shown = children.filter(([path]) => isShown(path)).slice(0, MAX_VALUES);
    const left = children.length - shown.length;
    const names = shown.map(([path, { count, types }]) => {
      const share = count === of ? "" : ` in ${count} of ${of}`;
      return `${lastOf(path)} ${[...types].sort().join(" or ")}${share}`;
    });
    const where = parent === "" ? "body" : `body.${parent}`;
    const list = [...names, ...(left > 0 ? [`${left} not shown`] : [])].join(", ");
    return list === "" ? [] : [`  - ${where}${of > 1 ? `, ${of} objects` : ""}: ${list}`];
  });
  const dates = new Map<string, string[]>();
  const values: string[] = [];
  for (const [path, { values: seen }] of fields) {
    if (!isShown(path)) continue;
    const kind = kindOf(path, documented);
    const isDate = (value: string) => FORM_OF_DATE.test(value);
    for (const form of [...seen.keys()].filter(isDate)) dates.set(form, [...(dates.get(form) ?? []), path]);
    const words = [...seen].filter(([value]) => !isDate(value));
    const shown = words.map(([value, count]) => `${valueShown(value, kind, hidden)} ${times(count)}`);
    if (shown.length > 0) values.push(`  - ${path}: ${shown.join(", ")}`);
  }
  const forms = [...dates].map(([form, paths]) => `  - ${form}: ${paths.slice(0, MAX_VALUES).join(", ")}`);
  return [...objects, ...forms, ...values].slice(0, MAX_LINES);
}

interface JobSeen {
  deliveryType: string;
  status: string;
  hasLink: boolean;
  /** From the request to the end of the link. */
  lifeHours: number;
  operation: string;
}

function jobsIn(json: unknown): Omit<JobSeen, "operation">[] {
  const content = withoutEnvelope(json);
  if (!isObject(content)) return [];
  const candidates: unknown[] = Array.isArray(content.results) ? content.results : [content];
  return candidates.filter(isObject).flatMap((job) => {
    const { deliveryType, status, snapshotUrl, restoreScheduledDate, expirationDate } = job;
    if (typeof deliveryType !== "string") return [];
    const lifeMs = Date.parse(String(expirationDate)) - Date.parse(String(restoreScheduledDate));
    const hasLink = typeof snapshotUrl === "string" && snapshotUrl !== "";
    return [{ deliveryType, status: String(status), hasLink, lifeHours: Math.round(lifeMs / 360_000) / 10 }];
  });
}

const JOB_WORDS = ["RESTORE", "DOWNLOAD", "PENDING", "QUEUED", "RUNNING", "FAILED", "COMPLETED"];

/** The course of jobs, of which MongoDB documents little. */
function jobLines(jobs: JobSeen[], linkAfterMs: number | undefined, hidden: Hidden): string[] {
  const lines = jobs.map(({ deliveryType, status, hasLink, lifeHours, operation }) => {
    const [kind, word] = [deliveryType, status].map((text) => enumShown(text, hidden, JOB_WORDS));
    const life = Number.isNaN(lifeHours) ? "one of its dates is missing" : `expires ${lifeHours} h after its start`;
    return `- ${operation}: ${kind}, ${word}, ${hasLink ? "with" : "without"} snapshotUrl, ${life}`;
  });
  const counted = [...new Set(lines)].map((line) => `${line}; ${times(lines.filter((each) => each === line).length)}`);
  const wait = linkAfterMs === undefined ? [] : [`- First link: ${msRange([linkAfterMs])} after the request's answer`];
  return counted.length === 0 ? [] : ["### Jobs", "", ...counted.slice(0, MAX_LINES), ...wait, ""];
}
