import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { openStation } from "../faults/station.ts";
import { CLUSTER } from "../fixtures.ts";
import { leaksIn, signaturesOf } from "./sentinels.ts";

const SNAPSHOT = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };

/** Calls of every tool while a link exists; only the answers of the last two tools may contain the link. */
const CALLS: [string, Record<string, unknown>][] = [
  ["list_flex_clusters", {}],
  ["list_flex_snapshots", CLUSTER],
  ["list_restore_jobs", CLUSTER],
  ["list_restore_jobs", { ...CLUSTER, deliveryType: "DOWNLOAD", limit: 100 }],
  ["save_flex_snapshot", SNAPSHOT],
  ["list_saved_snapshots", {}],
  ["verify_saved_snapshot", { fileName: "mine.tgz" }],
  ["request_flex_snapshot_download", SNAPSHOT],
  ["get_restore_job", { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId }],
];
const MAY_HOLD_LINKS = ["request_flex_snapshot_download", "get_restore_job"];

/** Every file of the folder except archives, whose bytes are random. */
async function writtenTo(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => !/\.(tgz|part)$/.test(name));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  return [...names, ...texts].join("\n");
}

describe("a link appears", () => {
  test.each<{ args: string[]; of: string[] }>([
    { args: [], of: MAY_HOLD_LINKS },
    { args: ["--hide-snapshot-urls"], of: [] },
    { args: ["--read-only"], of: [] },
  ])("in the answers of $of under $args, and nowhere else", async ({ args, of }) => {
    const { server, simulator, folder, close } = await openStation({ args });
    onTestFinished(async () => {
      await close();
    });
    const known = args.includes("--read-only") ? CALLS.filter(([tool]) => !/^(save|request)/.test(tool)) : CALLS;
    const holding: string[] = [];
    for (const [tool, given] of known) {
      const named = tool === "save_flex_snapshot" ? { ...given, fileName: "mine" } : given;
      const result = await server.call(tool, named);
      const leaks = leaksIn(JSON.stringify(result), await signaturesOf(simulator, CLUSTER));
      if (leaks.length > 0) holding.push(tool);
    }
    expect(holding).toEqual(of);
    const signatures = await signaturesOf(simulator, CLUSTER);
    expect(Object.keys(signatures).length).toBeGreaterThan(0);
    expect(leaksIn(server.output.stderr, signatures)).toEqual([]);
    if (of.length === 0) expect(leaksIn(server.output.stdout, signatures)).toEqual([]);
    if (!args.includes("--read-only"))
      expect(leaksIn(await writtenTo(join(folder, "snapshots")), signatures)).toEqual([]);
  });
});

describe("a save leaks no link into its answers, its progress, the log, its state or its record", () => {
  test.concurrent.for([
    ["complete", ""],
    ["complete", "file=cut@30000*1"],
    ["complete", "file=expired*1"],
    ["complete", "file=flip@5000*1"],
    ["complete", "file=no-etag+cut@30000*1"],
    ["complete", "file=reset@30000"],
    ["downloading", "file=reset-before"],
    ["downloading", "file=stall@30000"],
    ["downloading", "file=hang"],
    ["downloading", "file=500"],
    ["downloading", "file=429:retry-after=30"],
    ["paused", "file=expired"],
    ["paused", "file=404"],
    ["paused", "file=403:code=SignatureDoesNotMatch"],
    ["complete", "file=cut@30000*1,file=short-range@5000*3,file=unnamed-total*1"],
    ["paused", "file=redirect"],
    ["complete", "file=moved"],
    ["complete", "file=moved*2,file=cut@30000*1"],
    ["complete", "file=content-encoding"],
    ["failed", "file=html"],
    ["failed", "file=zero-length"],
    ["failed", "file=flip@5000"],
    ["paused", "listRestoreJobs=hide-downloads,requestDownload=job-fails"],
  ] as const)("%s after %j", async ([state, orders], { expect, onTestFinished }) => {
    const { server, simulator, folder, close } = await openStation({ simulator: { orders } });
    onTestFinished(async () => {
      await close();
    });
    const save = { ...SNAPSHOT, waitSeconds: state === "downloading" ? 2 : 40 };
    let saving = await server.call("save_flex_snapshot", save, { progress: true });
    while (saving.structuredContent.state === "requesting")
      saving = await server.call("save_flex_snapshot", save, { progress: true });
    expect(saving.structuredContent.state ?? "failed").toBe(state);
    await server.call("list_saved_snapshots", {});
    const written = await writtenTo(join(folder, "snapshots"));
    await server.call("save_flex_snapshot", { ...save, waitSeconds: 0 });
    simulator.clearOrders();
    const signatures = await signaturesOf(simulator, CLUSTER);
    expect(Object.keys(signatures).length).toBeGreaterThan(0);
    const output = server.output.stdout + server.output.stderr + written;
    expect(leaksIn(output, signatures)).toEqual([]);
    expect(output).not.toContain("opensesame");
    expect(written).not.toMatch(/X-Amz|https?:/);
  });
});
