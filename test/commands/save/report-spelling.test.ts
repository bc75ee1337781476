import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createReport, type SaveOutcome } from "../../../src/commands/save/report.ts";
import { createRedactor } from "../../../src/core/redact.ts";
import { systemClock } from "../../../src/core/time.ts";

const SIGNATURE = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
const BUCKET = "acme-wonderland-vault";

/** What one answer of an operation makes the report say. */
async function reportOf(json: object, headers: Record<string, string> = {}, outcome: SaveOutcome = {}) {
  const report = createReport({ clock: systemClock, version: "1.2.3", redactor: createRedactor(), isSimulated: false });
  const url = new URL("https://cloud.mongodb.com/api/atlas/v2/groups/64b7c3d2e1f0a9b8c7d6e5f4/flexClusters");
  const request = { method: "GET", url, headers: {}, deadline: 0, signal: new AbortController().signal } as const;
  report.onExchange({ request, response: { status: 200, headers: { date: "now", ...headers }, json }, ms: 1 });
  const link = new URL(`https://${BUCKET}.s3.amazonaws.com/a?X-Amz-Signature=${SIGNATURE}`);
  const answer = { status: 302, headers: { ...headers, location: "https://files.acme-payments.com/x" }, ms: 1 };
  report.onFileExchange({ url: link, redirects: 0, offset: 0, answer, bytes: 0, ms: 2 });
  return report.describe([outcome]);
}

describe("a name in another spelling", () => {
  test("of header, field, code and host is not in the report", async () => {
    const names = { "x-amz-meta-acme-payments": "1", "x-acmepayments": "1", "x-payments-id": "1" };
    const fields = { AcmePayments: 1, paymentsTeam: { x: 1 }, status: "ACME_PAYMENTS" };
    const text = await reportOf({ ...fields, results: [{ name: "Acme Payments", stateName: "PAYMENTS_IDLE" }] }, names);
    expect(await reportOf({ results: [{ name: "zztt", stateName: "ZZTT" }] })).not.toMatch(/zztt|A line was removed/i);
    expect(text.toLowerCase()).not.toMatch(/acme|payments/);
    expect(text).not.toContain("A line was removed");
    expect(text).toContain("headers: date, x-amz-meta-..., 2 other headers");
    expect(text).toContain("A redirect leads to a host of no known family: <other host>.");
    expect(text).toContain("results[].stateName: a text of 13 characters once");
  });

  test("is not in the report if it was only typed on the command line, or is the project's", async () => {
    const outcome = { identity: { name: "blue-falcon", projectName: "Wonder Land" } };
    const results = [{ stateName: "BLUE_FALCON" }, { stateName: "WONDERLAND" }, { stateName: "LATER" }];
    const text = await reportOf({ results }, {}, outcome);
    expect(text).not.toMatch(/BLUE|WONDER/);
    expect(text).toContain(
      "results[].stateName: a text of 11 characters once, a text of 10 characters once, LATER once",
    );
  });
});

describe("a name that is nothing but a key", () => {
  const labels = { JohnSmith: "x", payrollTeam: "2026-11-22T03:01:10Z", nested: { BlueFalcon: { status: "IDLE" } } };

  test("is counted", async () => {
    const owned = { JohnSmith: 1, clusterStatus: { JohnSmith: 1 }, labels, AnnaSmith: 2, tags: { JohnSmith: 1 } };
    const text = await reportOf({ results: [owned], labels: [labels], tags: [labels] });
    expect(text).not.toMatch(/smith|payroll|falcon|labels|nested/i);
    expect(text).not.toContain("A line was removed");
    expect(text).toContain(
      "  - body.results[]: clusterStatus object with 1 key, tags object with 1 key, 2 fields of 9 letters that are not documented (number), a field of 6 letters that is not documented (object with 3 keys)\n",
    );
    expect(text).toContain(
      "with 200: 2 fields of 9 letters that are not documented, 2 fields of 6 letters that are not documented.",
    );
    expect(text).toContain("with 200: fields that are not documented: results[].clusterStatus, tags.");
  });

  test("of an answer without documented fields is counted too", async () => {
    const report = createReport({
      clock: systemClock,
      version: "1.2.3",
      redactor: createRedactor(),
      isSimulated: false,
    });
    const limits = { deadline: 0, signal: new AbortController().signal };
    for (const path of ["/api/oauth/revoke", "/api/smith/falcon"])
      report.onExchange({
        request: { method: "POST", url: new URL(path, "https://cloud.mongodb.com"), headers: {}, ...limits },
        response: { status: 200, headers: { "x-tenant-johnsmith": "1", date: "now" }, json: { ...labels, status: 1 } },
        ms: 1,
      });
    const text = await report.describe([]);
    expect(text).not.toMatch(/smith|payroll|falcon|nested/i);
    expect(text.match(/ {2}- body: 4 keys\n/g)).toHaveLength(2);
    expect(text).toContain("/revoke with 200: fields that are not documented: 4 keys.");
    expect(text).toContain("  - headers: date, 1 other header\n");
  });
});

/** Of letters that no word of the report begins with. */
const foreignWords = fc.array(fc.string({ unit: fc.constantFrom(..."qjxzkv"), minLength: 5, maxLength: 9 }), {
  minLength: 2,
  maxLength: 3,
});

test("no spelling of a project's name, and no long word of it, is in the report, and no line is lost", async () => {
  await fc.assert(
    fc.asyncProperty(foreignWords, fc.constantFrom(" ", "-", "_", ".", ""), async (words, separator) => {
      const capitals = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
      const name = capitals.join(separator);
      const spellings = [name, words.join(""), words.join("-"), ...words, `${capitals.at(-1)}Team`];
      const keys = Object.fromEntries(spellings.map((each) => [each, { [each]: 1 }]));
      const headers = Object.fromEntries(spellings.map((each) => [`x-amz-${each.toLowerCase()}`, "1"]));
      const states = [words.join("_"), words.join(""), ...words].map((each) => ({ stateName: each.toUpperCase() }));
      const text = await reportOf({ ...keys, name, results: [{ ...keys, name }, ...states] }, headers);
      const bare = text.toLowerCase().replace(/[^a-z]+/g, "");
      expect(words.filter((word) => bare.includes(word))).toEqual([]);
      expect(text).not.toContain("A line was removed");
    }),
    { numRuns: 100 },
  );
});
