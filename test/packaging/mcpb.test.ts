import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER, connect, SERVICE_ACCOUNT, simulatorFor, temporaryFolder } from "../fixtures.ts";
import { ROOT, readManifest } from "./manifest.ts";

const folder = mkdtempSync(join(tmpdir(), "atlas-flex-mcpb-"));
/** Desktop hosts on some systems use paths with blanks and umlauts. */
const unpacked = join(folder, "Claude Extensions", "für Zoë");
const name = `${packageJson.name}-${packageJson.version}.mcpb`;
const JOB = { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId };
const LINK = /X-Amz|snapshotUrl/;

function pack(target: string): { output: string; bundle: Buffer } {
  mkdirSync(target, { recursive: true });
  const output = execFileSync(process.execPath, [join(ROOT, "scripts/mcpb.mjs"), target], { encoding: "utf8" });
  return { output, bundle: readFileSync(join(target, name)) };
}

/** What a host passes for a setting that its user left blank: the unreplaced placeholder, or an empty text. */
type Blank = "placeholder" | "empty";

function unpack(bundle: Uint8Array, folder: string): void {
  for (const [name, content] of Object.entries(unzipSync(bundle))) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

/**
 * Starts an unpacked bundle as a desktop host does: with the arguments and environment of its manifest, filled with the user's
 * settings or their defaults.
 */
async function startInHost({
  folder,
  home,
  blank,
  settings = {},
  env = {},
}: {
  folder: string;
  home: string;
  blank: Blank;
  settings?: Record<string, string | boolean>;
  env?: Record<string, string>;
}) {
  const { user_config, server } = readManifest(folder);
  const fill = (text: string) =>
    text
      .replaceAll("${__dirname}", () => folder)
      .replaceAll(/\$\{user_config\.([^}]*)\}/g, (placeholder, key) => {
        const value = settings[key] ?? user_config[key]?.default ?? "";
        return value === "" && blank === "placeholder" ? placeholder : String(value);
      });
  const own = Object.entries(server.mcp_config.env).map(([name, value]) => [name, fill(value)]);
  const connection = await connect({
    command: process.execPath,
    args: server.mcp_config.args.map(fill),
    env: { HOME: home, USERPROFILE: home, ...env, ...Object.fromEntries(own) },
    cwd: home,
  });
  const { tools } = await connection.client.listTools();
  return { ...connection, toolNames: tools.map(({ name }) => name) };
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

  test("is not signed: the zip file ends with its own end record", () => {
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

describe.each<Blank>(["placeholder", "empty"])("in a desktop host that passes blank settings as %s", (blank) => {
  test("the simulator's backup is saved below the home folder, and links are hidden", async () => {
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

  test("blank settings are no credentials, and a call names the missing variables", async () => {
    const { call, log } = await startInHost({ folder: unpacked, home: await temporaryFolder(), blank });
    const failed = await call("list_flex_clusters");
    expect(failed).toMatchObject({ isError: true, structuredContent: { error: { errorCode: "CREDENTIALS_MISSING" } } });
    expect(JSON.stringify(failed.content)).toContain("MONGODB_ATLAS_CLIENT_ID");
    // Before it starts the server, Node.js itself looks for a file of that name and continues without it.
    const ours = log().replace(/^Warning: Ignoring extra certs from `\$\{user_config\.extra_ca_certs\}`.*$/gm, "");
    expect(ours).not.toMatch(/user_config|is set without|must be/);
  });
});

/** A value for each field of the form, and what of it the log must show. Fields of one row belong together. */
const FILLED: readonly (readonly [string, Record<string, string | boolean>, RegExp])[] = [
  [
    "client_id and client_secret",
    { client_id: "mdb_sa_id_1", client_secret: "mdb_sa_sk_1234567890" },
    /"credentials":"service-account"/,
  ],
  [
    "public_api_key and private_api_key",
    { public_api_key: "abcdefgh", private_api_key: "12345678-1234-1234-1234" },
    /"credentials":"api-key"/,
  ],
  ["access_token", { access_token: "eyJ0123456789.eyJ0123456789" }, /"credentials":"access-token"/],
  ["project_id", { project_id: CLUSTER.groupId }, /"msg":"started"/],
  [
    "allowed_projects",
    { allowed_projects: ` ${CLUSTER.groupId} , ` },
    new RegExp(`"allowedProjects":\\["${CLUSTER.groupId}"\\]`),
  ],
  ["download_dir", { download_dir: join(folder, "Bäckups of Ann") }, /"downloadDir":"[^"]*Bäckups of Ann"/],
  ["hide_snapshot_urls", { hide_snapshot_urls: false }, /"hideSnapshotUrls":false/],
  ["read_only", { read_only: true }, /"readOnly":true/],
  ["simulate", { simulate: true }, /"atlas":"simulator"/],
  ["view", { view: false }, /"msg":"started"/],
  ["https_proxy", { https_proxy: "http://ann:word@proxy.example.com:8080" }, /"proxy":true/],
  ["no_proxy", { no_proxy: "example.com" }, /"msg":"started"/],
  ["extra_ca_certs", { extra_ca_certs: join(ROOT, "test/fixtures/ca.pem") }, /"msg":"started"/],
  ["file_hosts", { file_hosts: "files.example.com" }, /"msg":"started"/],
  ["base_url", { base_url: "https://cloud.mongodbgov.com" }, /"atlas":"https:\/\/cloud.mongodbgov.com"/],
];

test("every field of the form has a row here", () => {
  const fields = FILLED.flatMap(([, settings]) => Object.keys(settings));
  expect(fields.toSorted()).toEqual(Object.keys(readManifest().user_config).toSorted());
});

describe.each<Blank>(["placeholder", "empty"])("with the other fields blank as %s", (blank) => {
  test.each(FILLED)(
    "the server takes %s from the form and has nothing to complain about",
    async (_, settings, shown) => {
      const { toolNames, log } = await startInHost({
        folder: unpacked,
        home: await temporaryFolder(),
        blank,
        settings,
      });
      expect(toolNames).toContain("list_flex_clusters");
      await expect.poll(log).toMatch(shown);
      const ours = log().replace(/^Warning: Ignoring extra certs from `\$\{user_config\.extra_ca_certs\}`.*$/gm, "");
      expect(ours).not.toMatch(/"level":50|user_config|Ignoring extra certs/);
    },
  );
});

test("the settings of a desktop host's user take effect: credentials, links shown, read-only", async () => {
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
  const { log } = await startInHost({ ...started, settings: { ...account, view: "perhaps" } });
  await expect.poll(log).toContain("ATLAS_FLEX_VIEW must be true or false");
});
