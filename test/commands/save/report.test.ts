import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createReport } from "../../../src/commands/save/report.ts";
import { createRedactor } from "../../../src/core/redact.ts";
import { systemClock } from "../../../src/core/time.ts";
import type { SnapshotIdentity } from "../../../src/download/contract.ts";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import type { SimulatorOptions } from "../../../src/simulator/simulator.ts";
import { CLUSTER, simulatorFor, temporaryFolder } from "../../fixtures.ts";
import { reported, section } from "./reported.ts";

/** Its job takes a moment; that of the other snapshot exists. */
const NEWEST: SnapshotIdentity = { ...CLUSTER, snapshotId: SIMULATED.snapshotId };
const SNAPSHOT: SnapshotIdentity = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };
const BACKUP = "/api/atlas/v2/groups/{groupId}/flexClusters/{name}/backup";
const REMOVED = "A line was removed";

async function simulated(orders = "", options: SimulatorOptions = {}, identity = SNAPSHOT) {
  const simulator = await simulatorFor({ snapshotBytes: 300_000, jobMs: 50, orders, ...options });
  return { ...(await reported(simulator.environments.owner.serviceAccount, identity)), simulator };
}

/** Everything that identifies the simulated world. */
function identityOf({ requests, baseUrl, fileBaseUrl, jobs }: Awaited<ReturnType<typeof simulatorFor>>): string[] {
  const sent = requests.flatMap(({ path, headers }) => [
    path,
    headers.authorization?.split(" ")[1] ?? "",
    ...path.split(/[?&=/]/).filter((part) => part.length > 16 || /^5fa1/.test(part)),
  ]);
  const { clientId, clientSecret, groupId, snapshotId, accessToken } = SIMULATED;
  const known = [clientId, clientSecret, groupId, snapshotId, accessToken, ...jobs.map(({ id }) => id)];
  const places = ["127.0.0.1", "localhost", new URL(baseUrl).port, new URL(fileBaseUrl).port, "Acme", "Payments"];
  const names = ["orders", "customers", "fresh", "warehouse", "reports", "5fa1", "simulated-", "AKIASIMULATED"];
  const plain = /^\/api\/(?:oauth\/(?:token|revoke)|atlas\/v2\/groups)$|^X-Amz|^itemsPerPage/;
  return [...sent, ...known, ...places, ...names].filter((text) => text !== "" && !plain.test(text));
}

describe("the report of a simulated save", () => {
  test("describes each operation by its template, with forms and counts", async () => {
    const { text } = await simulated("", {}, NEWEST);
    expect(text).toContain(`atlas-flex-snapshots-mcp 1.2.3, Node.js ${process.version}, ${process.platform}`);
    const atlas = section(text, "Atlas");
    expect(atlas).toContain("### GET /api/atlas/v2/groups\n");
    expect(atlas).toMatch(
      /### GET \S+\/backup\/snapshots\n\n- 200, once: application\/vnd\.atlas\.2024-11-13\+json; no content coding; 1 KiB to 2 KiB; \d+ ms\n/,
    );
    expect(atlas).toContain("  - query: itemsPerPage, pageNum\n");
    expect(atlas).toMatch(/ {2}- headers: .*content-type, date, .*ratelimit-limit, ratelimit-remaining/);
    expect(atlas).toContain("tags array in 3 of 4");
    expect(atlas).toContain("results[].status: COMPLETED 7 times, FAILED once");
    expect(atlas).toContain("9999-99-99T99:99:99Z: results[].expiration, results[].finishTime");
    expect(atlas).toContain(
      `- POST ${BACKUP}/download: DOWNLOAD, PENDING, without snapshotUrl, expires 4 h after its start`,
    );
    expect(atlas).toMatch(/- First link: \d+ ms after/);
    expect(section(text, "Result")).toMatch(
      /^- complete; 256 KiB to 512 KiB; sound; gzip ok; length ok; .*data-directory, files 14/,
    );
    expect(text.split("\n").length).toBeLessThan(300);
    expect(text).not.toContain(REMOVED);
    expect(text).toMatch(/^[\n -~]+$/);
  });

  test("describes the file host, a redirect and what came after a dropped connection", async () => {
    const { text, saved } = await simulated("file=moved*1,file=cut@100000*1");
    expect(saved.value).toMatchObject({ state: "complete", interruptions: 1 });
    const host = section(text, "File host");
    expect(host).toContain("- Link: http, host <address> (unknown)");
    expect(host).toContain("query: X-Amz-Algorithm, X-Amz-Credential, X-Amz-Date, X-Amz-Expires,");
    expect(host).toContain("- The same link, requested again (once): 307, 206");
    expect(host).toMatch(/whole file: 307; .*redirect to no https, host <address>/);
    expect(host).toMatch(
      /whole file after a redirect: 200; application\/gzip; no content coding; server: AmazonS3; .*UND_ERR_SOCKET/,
    );
    expect(host).toMatch(
      /the rest \(Range, If-Range\): 206; .*names range and length; Accept-Ranges bytes; ETag strong, like an MD5/,
    );
    expect(host).toMatch(
      /- Body of the rest \(Range, If-Range\): 128 KiB to 256 KiB, headers after \d+ ms, then \d+ ms, [\d.]+ \w+\/s/,
    );
    const differences = section(text, "Differs from what was expected");
    for (const sentence of [
      "The file host answered with a redirect (307).",
      "A redirect leads to plain http.",
      "A body ended before its announced length.",
    ])
      expect(differences).toContain(sentence);
    expect(text).not.toContain(REMOVED);
  });

  test("describes the first entries of the archive in fixed words", async () => {
    const { text } = await simulated();
    const archive = section(text, "Beginning of the archive");
    expect(archive).toContain(
      "- gzip, 1 member within what was read, header fields: comment, without a time, system Unix; tar;",
    );
    for (const entry of ["WiredTiger", "collection-*.wt", "index-*.wt", "directory journal"])
      expect(archive).toContain(`  - ${entry}: depth 0`);
    expect(archive).toContain("  - WiredTigerLog.*: depth 1, typeflag 0, ustar");
  });

  test.each([
    ["file=no-etag", "The file host sends no ETag."],
    ["file=weak-etag", "The file host sends a weak ETag."],
    ["file=content-encoding", "The file host names a content coding: gzip."],
    ["file=chunked", "The file host names no length (Content-Length)."],
    ["file=cut@100000*1,file=ignore-range*1", "The file host sent the whole file although the rest was asked for."],
    ["file=expired*1", "The file host answered 403."],
    ["file=xml", "The file has the media type application/xml."],
    ["listSnapshots=unknown-status", "results[].status has values that are not documented:"],
    ["listSnapshots=418*1", "/snapshots with 418: this status is not documented."],
    ["getSnapshot=wrong-type", "the media type is text/plain, not application/vnd.atlas.2024-11-13+json."],
    ["getSnapshot=sunset", "headers announce the end of this version."],
    ["getSnapshot=nulls", "/snapshots/{snapshotId} with 200:"],
    ["listFlexClusters=html*1", "/flexClusters with 502: this status is not documented."],
    ["listFlexClusters=redirect", "/flexClusters got no usable answer"],
  ])("names what the order %j makes differ", async (orders, sentence) => {
    const { text } = await simulated(orders);
    expect(section(text, "Differs from what was expected")).toContain(sentence);
  });

  test("names the codes of a save that fails", async () => {
    const { text } = await simulated("requestDownload=403:ORG_REQUIRES_ACCESS_LIST", {}, NEWEST);
    expect(section(text, "Result")).toContain(
      "failure: ORG_REQUIRES_ACCESS_LIST, status 403, source credentials, final",
    );
    expect(section(text, "Atlas")).toContain("- 403, once: ORG_REQUIRES_ACCESS_LIST; application/json;");
    expect(text).toContain("- No archive was saved.");
  });

  test.each(["serviceAccount", "apiKey", "accessToken"] as const)(
    "holds nothing that identifies the world (%s)",
    async (kind) => {
      const simulator = await simulatorFor({
        snapshotBytes: 300_000,
        jobMs: 50,
        orders: "file=moved*1,file=cut@100000*1",
      });
      const { text, folder } = await reported(simulator.environments.owner[kind], SNAPSHOT);
      const wanted = [...identityOf(simulator), folder, ...Object.values(simulator.environments.owner[kind])];
      expect(wanted.filter((value) => text.toLowerCase().includes(value.toLowerCase()))).toEqual([]);
      expect(text).not.toContain(REMOVED);
    },
  );
});

test("a challenge is described by its scheme and algorithm", async () => {
  const simulator = await simulatorFor({ snapshotBytes: 300_000 });
  const { text } = await reported(simulator.environments.owner.apiKey, SNAPSHOT);
  expect(text).toMatch(/- 401, \w+.*: UNEXPECTED_ERROR; application\/json/);
  expect(text).toMatch(/asks for Digest MD5/);
});

test("a cluster whose name is a word of the report costs no line", async () => {
  const { text, describe: again, outcome } = await simulated("file=moved*1,file=cut@100000*1", {}, NEWEST);
  // These three are Atlas's and the HTTP library's.
  const own = text.replaceAll(/CONTINUOUS|UND_ERR_SOCKET/g, "");
  const named = [...new Set(own.match(/[A-Za-z]+/g))].map((name) => ({ identity: { name } }));
  expect(await again([outcome, ...named])).not.toContain(REMOVED);
});

test("a line that holds an observed text in spite of the filters is removed, and says so", async () => {
  const { saved } = await simulated();
  const report = createReport({ clock: systemClock, version: "1.2.3", redactor: createRedactor(), isSimulated: true });
  const text = await report.describe([{ identity: { name: "gzip ok" }, ...(saved.value && { report: saved.value }) }]);
  expect(text).not.toContain("gzip ok");
  expect(section(text, "Result")).toBe("- (A line was removed: something in it may tell who it was.)\n");
});

test("a secret of the program is removed from the report, whoever sent it", async () => {
  const report = createReport({
    clock: systemClock,
    version: "secret-of-the-program",
    redactor: createRedactor(["secret-of-the-program"]),
    isSimulated: true,
  });
  expect(await report.describe([])).not.toContain("secret-of-the-program");
});

test("a file that is gone or no archive is described too", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "page.tgz");
  await writeFile(path, "<html>");
  const report = createReport({ clock: systemClock, version: "1.2.3", redactor: createRedactor(), isSimulated: false });
  const file = { state: "complete", bytes: 6 } as const;
  const text = await report.describe([{ report: { ...file, path } }, { report: { ...file, path: `${path}.gone` } }]);
  expect(text).toContain("- no gzip; unknown; reading stopped at damage");
  expect(text).toContain("- The file cannot be read: ENOENT");
  expect(text).toContain("The file does not begin as gzip does.");
  expect(text).toContain("Answers came from the network.");
});
