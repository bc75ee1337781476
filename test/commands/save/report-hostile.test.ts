import type { IncomingMessage, ServerResponse } from "node:http";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createReport } from "../../../src/commands/save/report.ts";
import { createRedactor } from "../../../src/core/redact.ts";
import { systemClock } from "../../../src/core/time.ts";
import { dataFiles, tgz } from "../../download/fixtures.ts";
import { serve } from "../../http/servers.ts";
import { reported, section } from "./reported.ts";

const TOKEN = "eyJhbGciOi-Zq8vXk2mWp4tRb6yLd9";
const IDENTITY = { groupId: "64b7c3d2e1f0a9b8c7d6e5f4", name: "payroll", snapshotId: "64b7c3d2e1f0a9b8c7d6e501" };
const JOB = "64b7c3d2e1f0a9b8c7d6e502";
const ORGANISATION = "64b7c3d2e1f0a9b8c7d6e503";
const ADDRESS = "203.0.113.77";
const PERSON = "alice.liddell@wonder-land.example";
const SIGNATURE = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
const BUCKET = "acme-wonderland-vault";
const TABLE = "salaries2026";

/** In any case, with dots as dashes or gone, and in pieces. */
const SECRETS = [
  IDENTITY.groupId,
  IDENTITY.name,
  IDENTITY.snapshotId,
  JOB,
  ORGANISATION,
  ADDRESS,
  "203-0-113-77",
  PERSON,
];
const MORE = [
  "alice",
  "liddell",
  "wonder",
  SIGNATURE.slice(0, 12),
  BUCKET,
  "acme",
  TABLE,
  "salaries",
  TOKEN,
  "Zq8vXk2m",
  "Rb6yLd9",
];
const found = (text: string) => [...SECRETS, ...MORE].filter((each) => text.toLowerCase().includes(each.toLowerCase()));

/** Names of headers and fields that tell who it is, as far as HTTP and JSON allow. */
const TELLING = [
  IDENTITY.groupId,
  `x-${IDENTITY.snapshotId}`,
  IDENTITY.name,
  `x-${IDENTITY.name}-count`,
  "x-ip-203-0-113-77",
  `x-${BUCKET}`,
  "x-zq8vxk2mwp4t",
  `x-${SIGNATURE.slice(0, 20)}`,
  "x-alice-liddell",
];
const headers = (): Record<string, string> => ({
  ...Object.fromEntries(TELLING.map((name) => [name, "1"])),
  server: `${IDENTITY.name}/${ADDRESS}`,
  vary: PERSON,
  "x-request-id": JOB,
  "set-cookie": `session=${TOKEN}; Domain=${BUCKET}.example.com`,
});
const FIELDS = {
  ...Object.fromEntries(TELLING.map((name) => [name.replaceAll("-", ""), 1])),
  [PERSON]: 1,
  [ADDRESS]: { [JOB]: IDENTITY.name },
  [`${IDENTITY.name}.${IDENTITY.groupId}`]: 1,
  contact: "alice-liddell",
  owner: "alice",
  family: "liddell",
  storage: BUCKET,
  company: "acme",
  land: "wonder",
  table: TABLE,
  topic: "salaries",
  createdFrom: `${ADDRESS} by ${PERSON}`,
  orgId: ORGANISATION,
};
const WORDS = [
  IDENTITY.name.toUpperCase(),
  `A_${IDENTITY.groupId.toUpperCase()}`,
  "ZQ8VXK2MWP4TRB6Y",
  "ALICE",
  "ACME_SALARIES",
];

async function hostileHost(location?: (port: number) => string) {
  const archive = await tgz({
    [`${IDENTITY.name}/`]: "",
    [`${IDENTITY.name}/${TABLE}.bson`]: "x",
    [`${IDENTITY.groupId}.pem`]: "x",
    [`collection-${IDENTITY.groupId}.wt`]: "x",
    [`${"alice".repeat(40)}/${ADDRESS}.${IDENTITY.name}`]: "x",
    ...dataFiles(),
  });
  let asked = 0;
  const host = await serve((request: IncomingMessage, response: ServerResponse) => {
    asked += 1;
    const telling = {
      ...headers(),
      "content-type": `text/${IDENTITY.name}; name=${ADDRESS}`,
      "accept-ranges": IDENTITY.name,
    };
    if (request.url?.startsWith("/refused")) {
      const code = `<Error><Code>${IDENTITY.name}</Code><Message>${PERSON}</Message></Error>`;
      response.writeHead(403, telling).end(code);
    } else if (location && !request.url?.startsWith("/moved")) {
      response.writeHead(302, { ...telling, location: location(host.port) }).end();
    } else {
      const coding = asked % 2 === 0 ? { "content-encoding": "identity" } : {};
      const etag = `"${IDENTITY.groupId}-${IDENTITY.name}"`;
      response.writeHead(200, { ...telling, ...coding, etag, "content-length": archive.length });
      if (asked > 3) response.end(archive);
      else response.write(archive.subarray(0, 200), () => response.destroy());
    }
  });
  return host;
}

/** Answers every operation with what a save needs, and everything that tells who it is in every other place. */
async function hostileAtlas(file: URL, folder: string) {
  const link = () =>
    `${file.origin}${folder}/${BUCKET}/${IDENTITY.name}.tgz?X-Amz-Signature=${SIGNATURE}&${IDENTITY.name}=1&n=${Math.random()}`;
  const entry = (word: string) => ({ ...FIELDS, status: word, stateName: word, deliveryType: word, clusterType: word });
  const list = (...results: object[]) => ({ results: [...results, ...WORDS.map(entry)], totalCount: 0, ...FIELDS });
  const snapshot = { id: IDENTITY.snapshotId, status: "COMPLETED", finishTime: "2026-11-22T03:01:10Z", ...FIELDS };
  const job = () => ({
    ...FIELDS,
    id: JOB,
    projectId: IDENTITY.groupId,
    snapshotId: IDENTITY.snapshotId,
    instanceName: IDENTITY.name,
    deliveryType: "DOWNLOAD",
    status: "COMPLETED",
    snapshotUrl: link(),
  });
  return serve((request, response) => {
    const path = new URL(request.url ?? "", "http://localhost").pathname;
    const json = {
      ...headers(),
      "content-type": `application/${IDENTITY.name}+json`,
      "content-encoding": IDENTITY.name,
    };
    if (path.endsWith("/groups")) {
      response.writeHead(401, {
        ...json,
        "www-authenticate": `${IDENTITY.name} realm="${PERSON}", Digest nonce="${TOKEN}"`,
      });
      response.end(JSON.stringify({ ...FIELDS, error: 401, errorCode: WORDS[0], parameters: [PERSON, ADDRESS] }));
      return;
    }
    const single = path.endsWith("/download") ? job() : snapshot;
    const body = /\/(?:flexClusters|snapshots|restoreJobs)$/.test(path)
      ? list({ ...FIELDS, name: IDENTITY.name })
      : single;
    response.writeHead(200, json).end(JSON.stringify(body));
  });
}

describe("of a hostile Atlas and a hostile file host", () => {
  const moved = (port: number) =>
    `http://127.0.0.1:${port}/moved/${BUCKET}/${IDENTITY.name}?${IDENTITY.name}=${SIGNATURE}`;
  test.each([
    ["a file in the end", undefined, "complete"],
    ["a refusal", undefined, "LINK_REFUSED"],
    ["a redirect", moved, "complete"],
    [
      "a redirect to a host that tells who it is",
      () => `https://${BUCKET}.${IDENTITY.name}.alice-liddell/`,
      "TRANSFER_INTERRUPTED",
    ],
    ["a redirect to an address", () => `http://${ADDRESS}/`, "LINK_UNSAFE"],
    ["a redirect to a host of two labels", () => "https://acme.example/", "TRANSFER_INTERRUPTED"],
  ])("nothing that tells who it is is in the report, with %s", async (_, location, end) => {
    const host = await hostileHost(location);
    const atlas = await hostileAtlas(host.url, end === "LINK_REFUSED" ? "/refused" : "");
    const env = { MONGODB_ATLAS_BASE_URL: atlas.url.origin, MONGODB_ATLAS_ACCESS_TOKEN: TOKEN };
    const { text, saved } = await reported(env, IDENTITY);
    expect(JSON.stringify(saved)).toContain(end);
    expect(found(text)).toEqual([]);
    // The filters alone suffice.
    expect(text).not.toContain("A line was removed");
    expect(text).toMatch(/^[\n -~]+$/);
    expect(text.split("\n").length).toBeLessThanOrEqual(301);
    expect(section(text, "Atlas")).toMatch(/headers: .*content-type.*, \d+ other headers/);
    expect(section(text, "Atlas")).toMatch(/body: .*orgId string.*, \d+ fields of \d+ letters that are not documented/);
    expect(section(text, "File host")).toContain("another media type");
  });
});

test("what comes before an answer is hidden too: credentials of a Digest exchange and of a token request", async () => {
  const report = createReport({ clock: systemClock, version: "1.2.3", redactor: createRedactor(), isSimulated: false });
  const url = new URL("https://cloud.mongodb.com/api/oauth/token");
  const basic = Buffer.from("mdb-client-payroll:hush-hush-secret").toString("base64");
  const limits = { deadline: 0, signal: new AbortController().signal };
  for (const authorization of [
    `Basic ${basic}`,
    'Digest username="pubkey", realm="x", uri="/api", response="abcdefgh"',
  ])
    report.onExchange({
      request: { method: "POST", url, headers: { authorization }, ...limits },
      response: {
        status: 200,
        headers: {
          "x-hush-hush-sec": "1",
          "x-mdb-client-payroll": "1",
          "x-pubkey": "1",
          "x-abcdefgh": "1",
          "x-plain": "1",
        },
        json: { hushhush: 1, pubkey: 2, abcdefgh: 3 },
      },
      ms: 1,
    });
  const text = await report.describe([]);
  expect(text.match(/hush-hush-sec|client-payroll|pubkey|abcdefgh/g)).toBeNull();
  expect(text).toContain("headers: 5 other headers");
});

test("a report of very many different answers stays short, and says how much is left out", async () => {
  const report = createReport({ clock: systemClock, version: "1.2.3", redactor: createRedactor(), isSimulated: false });
  const url = new URL("https://cloud.mongodb.com/api/atlas/v2/groups");
  const request = { method: "GET", url, headers: {}, deadline: 0, signal: new AbortController().signal } as const;
  for (let status = 200; status < 500; status += 1)
    report.onExchange({ request, response: { status, headers: { date: "now" }, json: { status: "ODD" } }, ms: 1 });
  const lines = (await report.describe([])).trimEnd().split("\n");
  expect(lines).toHaveLength(300);
  expect(lines.at(-1)).toMatch(/^- \d+ more lines, not shown$/);
});

/** A text in which the sentinel stands somewhere. */
const around = (sentinel: string) =>
  fc
    .tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }))
    .map(([before, after]) => `${before}${sentinel}${after}`);

describe("whatever the answers are", () => {
  const sentinels = fc.constantFrom(IDENTITY.groupId, IDENTITY.name, ADDRESS, BUCKET);
  const textOf = (sentinel: string) =>
    fc.oneof(around(sentinel), fc.constant(sentinel), fc.constant(sentinel.toUpperCase()), fc.string());
  const { json } = fc.letrec((tie) => ({
    json: fc.oneof(
      fc.string(),
      fc.integer(),
      fc.constant(null),
      tie("object"),
      fc.array(tie("json"), { maxLength: 3 }),
    ),
    object: fc.dictionary(fc.string(), tie("json"), { maxKeys: 4 }),
  }));

  test("an observed id, name or address is in no line of the report, and it stays short", async () => {
    await fc.assert(
      fc.asyncProperty(
        sentinels.chain((sentinel) =>
          fc.record({
            sentinel: fc.constant(sentinel),
            names: fc.array(textOf(sentinel), { maxLength: 5 }),
            values: fc.array(textOf(sentinel), { maxLength: 5 }),
            fields: fc.dictionary(textOf(sentinel), fc.oneof(textOf(sentinel), json), { maxKeys: 6 }),
            status: fc.integer({ min: 100, max: 599 }),
          }),
        ),
        async ({ sentinel, names, values, fields, status }) => {
          const report = createReport({
            clock: systemClock,
            version: "1.2.3",
            redactor: createRedactor(),
            isSimulated: false,
          });
          const common = [
            "content-type",
            "content-encoding",
            "etag",
            "server",
            "accept-ranges",
            "location",
            "x-error-code",
            "www-authenticate",
          ];
          const headers = Object.fromEntries(
            [...names, ...common].map((name, index) => [name, values[index % 5] ?? sentinel]),
          );
          const url = new URL("https://cloud.mongodb.com/api/atlas/v2/groups");
          const request = {
            method: "GET",
            url,
            headers: {},
            deadline: 0,
            signal: new AbortController().signal,
          } as const;
          const content = {
            ...fields,
            status: values[0],
            errorCode: values[1],
            clusterName: sentinel,
            also: [sentinel],
          };
          for (const body of [content, { results: [content] }, { content }])
            report.onExchange({ request, response: { status, headers, json: body, bodyBytes: 10 }, ms: 1 });
          const link = new URL(`https://${BUCKET}.s3.amazonaws.com/a?X-Amz-Signature=${SIGNATURE}`);
          report.onFileExchange({
            url: link,
            redirects: 0,
            offset: 0,
            answer: { status, headers, ms: 1 },
            bytes: 1,
            ms: 2,
            errorXmlCode: values[2] ?? "",
          });
          const text = await report.describe([{ identity: IDENTITY }]);
          expect(text.toLowerCase()).not.toContain(sentinel.toLowerCase());
          expect(text).toMatch(/^[\n -~]+$/);
          expect(text.split("\n").length).toBeLessThanOrEqual(301);
        },
      ),
      { numRuns: 300 },
    );
  });
});
