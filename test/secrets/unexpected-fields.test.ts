import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { openStation, type Station } from "../faults/station.ts";
import { CLUSTER } from "../fixtures.ts";
import { mapObjects, startAlteringProxy } from "./altering-proxy.ts";

const SENTINEL = "SENTINEL-FIELD";
const SNAPSHOT = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };

/** Fields that no description of the API knows, at every level of every answer, and names that mean something elsewhere. */
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

/** A server to which every answer of Atlas comes with more fields than documented. */
async function behindProxy(
  options: Parameters<typeof openStation>[0] = {},
  alter: (json: unknown) => unknown = withMore,
): Promise<Station> {
  let target = "";
  const proxy = await startAlteringProxy(
    () => target,
    (_, json) => alter(json),
  );
  onTestFinished(proxy.close);
  const station = await openStation({ ...options, env: { ...options.env, MONGODB_ATLAS_BASE_URL: proxy.baseUrl } });
  target = station.simulator.baseUrl;
  onTestFinished(async () => {
    expect(await station.close()).toEqual([]);
  });
  return station;
}

describe("what Atlas sends beyond its documentation stays out of", () => {
  test.each<[string, Record<string, unknown>]>([
    ["list_flex_clusters", {}],
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

test("connection strings of clusters, which Atlas documents, stay out too", async () => {
  const { server } = await behindProxy();
  await server.call("list_flex_clusters", {});
  expect(server.output.stdout + server.output.stderr).not.toMatch(/mongodb\+srv|mongodb\.net|connectionStrings/);
});

const SIGNED = `https://files.example/5fa1.tgz?X-Amz-Signature=${SENTINEL}`;

/** The link in every text but ids and types, by which answers are understood, and the fields that exist to hold a link. */
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
])("a signed link in any other text than a link's own stays out of %s and the log", async (tool, args) => {
  const { server } = await behindProxy({}, withLinks);
  const result = await server.call(tool, args);
  expect(result.isError).toBeUndefined();
  expect(JSON.stringify(result)).toContain("files.example [query removed]");
  expect(server.output.stdout + server.output.stderr).not.toContain(SENTINEL);
  if (/^request|^get/.test(tool))
    expect(result.structuredContent).toMatchObject({
      restoreJob: { snapshotUrl: expect.stringMatching(/[?&]X-Amz-Signature=[0-9a-f]{64}/) },
    });
});
