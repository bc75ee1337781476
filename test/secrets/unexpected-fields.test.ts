import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { openStation, type Station } from "../faults/station.ts";
import { CLUSTER } from "../fixtures.ts";
import { mapObjects, startAlteringProxy } from "./altering-proxy.ts";

const SENTINEL = "SENTINEL-FIELD";
const SNAPSHOT = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };

/** Adds undocumented fields to every object of an answer, including names with a meaning in JavaScript. */
const withMore = (json: unknown) =>
  mapObjects(json, (object) => ({
    ...object,
    secretField: SENTINEL,
    password: SENTINEL,
    deliveryUrl: `https://files.example/${SENTINEL}`,
    nested: { list: [SENTINEL, { value: SENTINEL }] },
    [SENTINEL]: 1,
    toString: SENTINEL,
    ["__proto__"]: { polluted: SENTINEL },
  }));

/** A server whose every answer from Atlas is altered, by default with undocumented fields. */
async function behindProxy(alter: (json: unknown) => unknown = withMore): Promise<Station> {
  let target = "";
  const baseUrl = await startAlteringProxy(() => target, alter);
  const station = await openStation({ env: { MONGODB_ATLAS_BASE_URL: baseUrl } });
  target = station.simulator.baseUrl;
  onTestFinished(async () => {
    expect(await station.close()).toEqual([]);
  });
  return station;
}

describe("undocumented fields from Atlas stay out of", () => {
  test.each<[string, Record<string, unknown>]>([
    ["list_flex_clusters", {}],
    ["list_flex_clusters", { backups: true }],
    ["list_flex_snapshots", CLUSTER],
    ["request_flex_snapshot_download", SNAPSHOT],
    ["get_restore_job", { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId }],
    ["list_restore_jobs", CLUSTER],
  ])("%s, its failures and the log", async (tool, args) => {
    const { server, simulator } = await behindProxy();
    const result = await server.call(tool, args);
    expect(result.isError).toBeUndefined();
    simulator.order("api=TENANT_SNAPSHOT_NOT_FOUND");
    const failure = await server.call(tool, args);
    expect(failure.isError).toBe(true);
    expect(JSON.stringify([result, failure])).not.toMatch(/SENTINEL|polluted/);
    expect(server.output.stderr).not.toMatch(/SENTINEL|polluted/);
  });

  test("save_flex_snapshot, list_saved_snapshots, verify_saved_snapshot, the record and the log", async () => {
    const { server, folder } = await behindProxy();
    const { structuredContent } = await server.call("save_flex_snapshot", { ...SNAPSHOT, fileName: "mine" });
    expect(structuredContent.state).toBe("complete");
    await server.call("list_saved_snapshots", {});
    await server.call("verify_saved_snapshot", { fileName: "mine.tgz" });
    const saved = join(folder, "snapshots");
    const records = (await readdir(saved)).filter((name) => name.endsWith(".json"));
    expect(records).toEqual(["mine.tgz.json"]);
    const written = await Promise.all(records.map((name) => readFile(join(saved, name), "utf8")));
    expect(server.output.stdout + server.output.stderr + written.join("")).not.toMatch(/SENTINEL|polluted/);
  });
});

test("documented connection strings of clusters stay out too", async () => {
  const { server } = await behindProxy();
  await server.call("list_flex_clusters", {});
  expect(server.output.stdout + server.output.stderr).not.toMatch(/mongodb\+srv|mongodb\.net|connectionStrings/);
});

const SIGNED = `https://files.example/5fa1.tgz?X-Amz-Signature=${SENTINEL}`;

/** Puts a link into every text except ids and types, which the server needs, and the fields that are meant for links. */
const withLinks = (json: unknown) =>
  mapObjects(json, (object) =>
    Object.fromEntries(
      Object.entries(object).map(([name, value]) => [
        name,
        typeof value === "string" && !/id$|deliveryType|snapshotUrl|href|error|token/i.test(name) ? SIGNED : value,
      ]),
    ),
  );

test.each<[string, Record<string, unknown>]>([
  ["list_flex_clusters", {}],
  ["list_flex_snapshots", CLUSTER],
  ["request_flex_snapshot_download", SNAPSHOT],
  ["get_restore_job", { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId }],
  ["list_restore_jobs", CLUSTER],
])("a signed link in a field that is not meant for links stays out of %s and the log", async (tool, args) => {
  const { server } = await behindProxy(withLinks);
  const result = await server.call(tool, args);
  expect(result.isError).toBeUndefined();
  expect(JSON.stringify(result)).toContain("files.example [query removed]");
  expect(server.output.stdout + server.output.stderr).not.toContain(SENTINEL);
  if (/^request|^get/.test(tool))
    expect(result.structuredContent).toMatchObject({
      restoreJob: { snapshotUrl: expect.stringMatching(/[?&]X-Amz-Signature=[0-9a-f]{64}/) },
    });
});
