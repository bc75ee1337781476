import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER, SERVICE_ACCOUNT, simulatorFor, temporaryFolder } from "../fixtures.ts";
import { type Blank, startInHost, unpack } from "./desktop-host.ts";
import { ROOT, readManifest } from "./manifest.ts";

const folder = mkdtempSync(join(tmpdir(), "atlas-flex-mcpb-"));
/** A path as desktop hosts have it on some systems. */
const unpacked = join(folder, "Claude Extensions", "héberger");
const name = `${packageJson.name}-${packageJson.version}.mcpb`;
const JOB = { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId };
const LINK = /X-Amz|snapshotUrl/;

function pack(target: string): { output: string; bundle: Buffer } {
  mkdirSync(target, { recursive: true });
  const output = execFileSync(process.execPath, [join(ROOT, "scripts/mcpb.mjs"), target], { encoding: "utf8" });
  return { output, bundle: readFileSync(join(target, name)) };
}

let bundle: Buffer;
beforeAll(() => {
  ({ bundle } = pack(folder));
  unpack(bundle, unpacked);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the bundle", () => {
  test("holds the built files, the manifest, the icon and the licences, and nothing else", () => {
    const built = readdirSync(join(ROOT, "dist")).map((file) => `dist/${file}`);
    const others = ["manifest.json", "assets/icon.png", "LICENSE", "THIRD_PARTY_NOTICES.md", "package.json"];
    expect(Object.keys(unzipSync(bundle)).toSorted()).toEqual([...built, ...others].toSorted());
    expect(bundle.length).toBeLessThan(1_000_000);
  });

  test("is not signed: nothing follows the end of the zip file", () => {
    const END_OF_CENTRAL_DIRECTORY_BYTES = 22;
    expect(bundle.readUInt32LE(bundle.length - END_OF_CENTRAL_DIRECTORY_BYTES)).toBe(0x06054b50);
  });

  test("is the same, byte for byte, when it is packed again, and its SHA-256 is printed", () => {
    const again = pack(join(folder, "again"));
    expect(again.bundle.equals(bundle)).toBe(true);
    expect(again.output).toContain(createHash("sha256").update(bundle).digest("hex"));
  });

  test("says that its files are ES modules", () => {
    expect(JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8"))).toMatchObject({
      type: "module",
      version: packageJson.version,
    });
  });
});

describe.each<Blank>(["placeholder", "empty"])("in a desktop host that hands over blank settings as %s", (blank) => {
  test("a backup is saved with the simulator, under the home folder, and links are hidden", async () => {
    const home = await temporaryFolder();
    const { call, toolNames } = await startInHost({
      folder: unpacked,
      home,
      blank,
      settings: { simulate: true },
      env: { ATLAS_FLEX_SIMULATOR_BYTES: "300000" },
    });
    expect(toolNames).toEqual(readManifest(unpacked).tools.map((tool) => tool.name));
    const job = await call("get_restore_job", JOB);
    expect(job.structuredContent).toMatchObject({ simulated: true, finished: true, linkHost: expect.any(String) });
    expect(JSON.stringify(job)).not.toMatch(LINK);
    const saved = await call("save_flex_snapshot", { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId });
    expect(saved.structuredContent).toMatchObject({ state: "complete", integrity: { gzip: "ok" } });
    expect(String(saved.structuredContent?.path)).toContain(join(home, "atlas-flex-snapshots"));
    expect(existsSync(String(saved.structuredContent?.path))).toBe(true);
  });

  test("no credentials are made of blank settings, and a call names the variables that are missing", async () => {
    const { call, log } = await startInHost({ folder: unpacked, home: await temporaryFolder(), blank });
    const failed = await call("list_flex_clusters");
    expect(failed).toMatchObject({ isError: true, structuredContent: { error: { errorCode: "CREDENTIALS_MISSING" } } });
    expect(JSON.stringify(failed.content)).toContain("MONGODB_ATLAS_CLIENT_ID");
    // Node.js itself looks for a file of that name before it starts the server, and goes on without it.
    const ours = log().replace(/^Warning: Ignoring extra certs from `\$\{user_config\.extra_ca_certs\}`.*$/gm, "");
    expect(ours).not.toMatch(/user_config|is set without|must be/);
  });
});

test("the choices of a desktop host's user count: credentials, links shown, read-only", async () => {
  const simulator = await simulatorFor();
  const started = {
    folder: unpacked,
    home: await temporaryFolder(),
    blank: "placeholder" as const,
  };
  const account = {
    base_url: simulator.baseUrl,
    client_id: SERVICE_ACCOUNT.MONGODB_ATLAS_CLIENT_ID,
    client_secret: SERVICE_ACCOUNT.MONGODB_ATLAS_CLIENT_SECRET,
  };
  const hidden = await startInHost({ ...started, settings: account });
  expect(JSON.stringify(await hidden.call("get_restore_job", JOB))).not.toMatch(LINK);
  const shown = await startInHost({ ...started, settings: { ...account, hide_snapshot_urls: false } });
  expect(JSON.stringify(await shown.call("get_restore_job", JOB))).toMatch(LINK);
  const reading = await startInHost({ ...started, settings: { ...account, read_only: true } });
  expect(reading.toolNames).not.toContain("save_flex_snapshot");
});
