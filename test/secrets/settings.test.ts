import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startStdioServer } from "../faults/station.ts";
import { CLUSTER, temporaryFolder } from "../fixtures.ts";
import { closedPort, serveBytes, serveProxy, serveTls } from "../http/servers.ts";
import { leaksIn } from "./sentinels.ts";

const PASSWORD = "SENTINEL-p@ss:word/100%-of-a-proxy";
const SECRET = "SENTINEL-mdb_sa_sk_of-a-client+secret/=";
const TOKEN = "SENTINEL-access-token-of-nobody-at-all";
const SECRETS = { password: PASSWORD, secret: SECRET, token: TOKEN };

const ACCOUNT = { MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_5fa1", MONGODB_ATLAS_CLIENT_SECRET: SECRET };
/** No request leaves this computer, since each test sets a local proxy. */
const ELSEWHERE = { ...ACCOUNT, MONGODB_ATLAS_BASE_URL: "https://atlas.test" };

interface Outcome {
  codes: unknown[];
  leaks: string[];
  log: string;
}

/** Everything that the built server writes under these settings, to its client and into its most detailed log. */
async function underSettings(env: Record<string, string>, args: string[] = []): Promise<Outcome> {
  const home = await temporaryFolder();
  const server = await startStdioServer({ args, env: { HOME: home, ATLAS_FLEX_LOG_LEVEL: "trace", ...env } });
  onTestFinished(() => void server.child.kill("SIGKILL"));
  const results = [
    await server.call("list_flex_snapshots", CLUSTER),
    await server.call("request_flex_snapshot_download", { ...CLUSTER, snapshotId: "5fa1000000000000000000c7" }),
    await server.call("save_flex_snapshot", { ...CLUSTER, snapshotId: "5fa1000000000000000000c7" }),
    await server.call("list_saved_snapshots", {}),
  ];
  expect(await server.leave()).toEqual({ code: 0, signal: null });
  expect(server.violations).toEqual([]);
  const { stdout, stderr } = server.output;
  return {
    codes: results.slice(0, 3).map(({ structuredContent: { error } }) => Object(error).errorCode),
    leaks: leaksIn(stdout + stderr, SECRETS),
    log: stderr,
  };
}

const withPassword = (port: number) => `http://person:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`;
const fails = (code: string) => [code, code, code];

describe("the password of a proxy", () => {
  test.each<[string, () => Promise<number>, string]>([
    ["refuses it", async () => (await serveProxy(1, { authorization: "Basic eA==" })).port, "PROXY_FAILED"],
    ["forbids the target", async () => (await serveProxy(1, { status: 403 })).port, "PROXY_FAILED"],
    ["is not there", closedPort, "PROXY_FAILED"],
    [
      "hangs up",
      async () => (await serveBytes((socket) => socket.once("data", () => socket.end()))).port,
      "PROXY_FAILED",
    ],
    ["repeats the request", async () => (await serveBytes((socket) => socket.pipe(socket))).port, "PROXY_FAILED"],
    [
      "repeats the request as its answer",
      async () => {
        const answer = (data: Buffer) =>
          `HTTP/1.1 407 ${data.toString("base64")}\r\nx: ${data.toString("base64")}\r\n\r\n`;
        return (await serveBytes((socket) => socket.once("data", (data) => socket.end(answer(data))))).port;
      },
      "PROXY_FAILED",
    ],
    [
      "leads to a server with an untrusted certificate",
      async () => {
        const files = { cert: "test/fixtures/server.pem", key: "test/fixtures/server-key.pem" };
        const [cert, key] = [readFileSync(files.cert, "utf8"), readFileSync(files.key, "utf8")];
        const { port } = await serveTls({ cert, key }, (_, response) => response.end("{}"));
        return (await serveProxy(port)).port;
      },
      "TLS_FAILED",
    ],
  ])("stays secret when the proxy %s", async (_, start, code) => {
    const { codes, leaks } = await underSettings({ ...ELSEWHERE, HTTPS_PROXY: withPassword(await start()) });
    expect(codes).toEqual(fails(code));
    expect(leaks).toEqual([]);
  });

  test.each([
    ["lacks its scheme", `person:${PASSWORD}@127.0.0.1:9`],
    ["is not escaped", `http://person:${PASSWORD}@127.0.0.1:9`],
    ["is escaped wrongly", "http://person:SENTINEL-p%zz@127.0.0.1:9"],
    ["has no host", `http://person:${encodeURIComponent(PASSWORD)}@`],
    ["is of another kind", `socks5://person:${encodeURIComponent(PASSWORD)}@127.0.0.1:9`],
  ])("stays secret when its setting %s", async (_, setting) => {
    const { codes, leaks, log } = await underSettings({ ...ELSEWHERE, HTTPS_PROXY: setting, HTTP_PROXY: setting });
    expect(codes).toEqual(fails("CONFIGURATION_INVALID"));
    expect(leaks).toEqual([]);
    expect(log).not.toContain("SENTINEL");
  });
});

describe.each([
  ["the password of a proxy in HTTPS_PROXY", () => ({ HTTPS_PROXY: withPassword(9) }), { password: PASSWORD }],
  ["the password of a proxy in http_proxy", () => ({ http_proxy: withPassword(9) }), { password: PASSWORD }],
  ["the password of a proxy in all_proxy", () => ({ all_proxy: withPassword(9) }), { password: PASSWORD }],
  ["a client secret", () => ACCOUNT, { secret: SECRET }],
  ["a client secret under a misspelt name", () => ({ MONGODB_ATLAS_CLIENTSECRET: SECRET }), { secret: SECRET }],
  ["a client secret under an invented name", () => ({ "ATLAS-FLEX-ACCESS": SECRET }), { secret: SECRET }],
  ["a client secret in the wrong variable", () => ({ ATLAS_FLEX_ALLOWED_PROJECTS: SECRET }), { secret: SECRET }],
  ["a token in the base URL", () => ({ MONGODB_ATLAS_BASE_URL: `https://u:${TOKEN}@atlas.test` }), { token: TOKEN }],
])("%s", (_, settings, secrets) => {
  /** Writes what a crash report would show, and what a thread would inherit, when the process ends. */
  const PRELOAD = `
    process.on("exit", () => require("node:fs").writeFileSync(
      process.env.SEEN_AT_THE_END,
      JSON.stringify([process.env, process.report.getReport()]),
    ));
  `;

  test.each(["0", "1"])("has left environment and reports after reading (NODE_USE_ENV_PROXY=%s)", async (useProxy) => {
    const home = await temporaryFolder();
    const [preload, seen] = [join(home, "preload.cjs"), join(home, "seen.json")];
    await writeFile(preload, PRELOAD);
    const env = { NODE_OPTIONS: `--require=${preload}`, SEEN_AT_THE_END: seen, NODE_USE_ENV_PROXY: useProxy };
    const { leaks } = await underSettings({ ...env, ...settings(), ATLAS_FLEX_SIMULATE: "true" });
    expect(leaks).toEqual([]);
    const text = readFileSync(seen, "utf8");
    expect(text).toContain("SEEN_AT_THE_END");
    expect(text).toContain("environmentVariables");
    expect(leaksIn(text, secrets)).toEqual([]);
  });
});

describe("credentials stay secret when", () => {
  const asFile = async (name: string, content: string) => {
    const path = join(await temporaryFolder(), name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };

  test.each<[string, () => Promise<Record<string, string>>, string]>([
    [
      "they are in the base URL",
      async () => ({ MONGODB_ATLAS_BASE_URL: `https://person:${TOKEN}@atlas.test` }),
      "CONFIGURATION_INVALID",
    ],
    [
      "they are in the query of the base URL",
      async () => ({ MONGODB_ATLAS_BASE_URL: `https://atlas.test/?key=${TOKEN}` }),
      "CONFIGURATION_INVALID",
    ],
    [
      "they are given twice",
      async () => ({ MONGODB_ATLAS_CLIENT_SECRET_FILE: await asFile("secret", SECRET) }),
      "CONFIGURATION_INVALID",
    ],
    ["half of a pair is missing", async () => ({ MONGODB_ATLAS_CLIENT_ID: "" }), "CONFIGURATION_INVALID"],
    [
      "their file is too large",
      async () => ({
        MONGODB_ATLAS_CLIENT_SECRET: "",
        MONGODB_ATLAS_CLIENT_SECRET_FILE: await asFile("large", SECRET.repeat(200)),
      }),
      "CONFIGURATION_INVALID",
    ],
    [
      "their file is a folder",
      async () => {
        const folder = join(await temporaryFolder(), "folder");
        await mkdir(folder);
        return { MONGODB_ATLAS_CLIENT_SECRET: "", MONGODB_ATLAS_CLIENT_SECRET_FILE: folder };
      },
      "CONFIGURATION_INVALID",
    ],
    [
      "they cannot be sent",
      async () => ({
        MONGODB_ATLAS_CLIENT_ID: "",
        MONGODB_ATLAS_CLIENT_SECRET: "",
        MONGODB_ATLAS_ACCESS_TOKEN: `${TOKEN}\u0001\u00e9\u2028`,
      }),
      "CONFIGURATION_INVALID",
    ],
  ])("%s", async (_, settings, code) => {
    const port = await closedPort();
    const proxy = { HTTPS_PROXY: `http://127.0.0.1:${port}` };
    const { codes, leaks } = await underSettings({ ...ELSEWHERE, ...proxy, ...(await settings()) });
    expect(codes).toEqual(fails(code));
    expect(leaks).toEqual([]);
  });
});
