// A secret that somebody pasted into the wrong setting, or into the command line, is shown nowhere.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { caCertificates } from "../../src/commands/check/network.ts";
import { mayBeQuoted } from "../../src/config/setting-text.ts";
import { startStdioServer } from "../faults/station.ts";
import { BUILT, CLUSTER, temporaryFolder } from "../fixtures.ts";
import { leaksIn } from "./sentinels.ts";

const JWT = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZGJfc2FfaWRfMSJ9.${"q7Xw_9-Zp".repeat(30)}`;

/** Secrets that only their form gives away. */
const FORMS: Record<string, string> = {
  "client secret": "mdb_sa_sk_wNqWbHjKzXcVlOpRtYuIaSdFgGhJkLmQ",
  "client secret with digits": "mdb_sa_sk_8h3kQ9x2LmN4pR7sT1vW5yZ0aB6cD",
  "JSON Web Token": JWT,
  "private key": randomUUID(),
  "private key without hyphens": randomUUID().replaceAll("-", ""),
  "token of 20 characters": "q8Zt4Lw1Rx7Vb2Nm5Kc3",
  "token with hyphens": "tok-a1b2-c3d4-e5f6-g7h8",
  "token without digits": "qWzTfLwSRxOVbPNmHKcIEjYd",
  "connection string": "mongodb+srv://person:Pa55w0rdOfAPerson@shop.mongodb.net",
};

/** Nothing but the values of variables for secrets gives these away. */
const KNOWN = "swordfish";
const KNOWN_SECRETS: Record<string, Record<string, string>> = {
  "the access token": { MONGODB_ATLAS_ACCESS_TOKEN: KNOWN },
  "an access token that a service account beats": {
    MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_1",
    MONGODB_ATLAS_CLIENT_SECRET: "mdb_sa_sk_1234567890",
    MONGODB_ATLAS_ACCESS_TOKEN: KNOWN,
  },
  "half of an API key": { MONGODB_ATLAS_PRIVATE_API_KEY: KNOWN },
  "the password of a proxy": { HTTPS_PROXY: `http://person:${KNOWN}@127.0.0.1:9` },
};

interface Given {
  env?: Record<string, string>;
  args?: string[];
}

/** Each has the secret in as many places as are read at once. */
const PLACES: Record<string, (secret: string) => Given> = {
  variables: (secret) => ({
    env: {
      ATLAS_FLEX_TOOLS: `list_flex_clusters,${secret}`,
      ATLAS_FLEX_ALLOWED_PROJECTS: `${CLUSTER.groupId},${secret}`,
      ATLAS_FLEX_DOWNLOAD_DIR: secret,
      ATLAS_FLEX_LOG_LEVEL: secret,
      ATLAS_FLEX_HIDE_SNAPSHOT_URLS: secret,
      MONGODB_ATLAS_PROJECT_ID: secret,
      MONGODB_ATLAS_BASE_URL: secret,
      MONGODB_ATLAS_CLIENT_SECRET_FILE: secret,
      NO_PROXY: secret,
      [`ATLAS_FLEX_${secret}`]: "true",
    },
  }),
  "variables while simulating": (secret) => ({
    env: {
      ATLAS_FLEX_SIMULATE: "true",
      ATLAS_FLEX_DOWNLOAD_DIR: `$BACKUPS/${secret}`,
      ATLAS_FLEX_SIMULATOR_ORDERS: `${secret},file=cut@1MiB,api=${secret},${secret}=503,api=503:${secret}`,
      ATLAS_FLEX_SIMULATOR_BYTES: secret,
    },
  }),
  options: (secret) => ({ args: ["--tools", secret, `--download-dir=backups/${secret}`, `--log-level=${secret}`] }),
};

async function environment({ env = {} }: Given): Promise<Record<string, string>> {
  return { HOME: await temporaryFolder(), HTTPS_PROXY: "http://127.0.0.1:9", ...env };
}

/** Everything that the server and `check` write, and the code of a call. */
async function shownBy(given: Given) {
  const { args = [] } = given;
  const env = await environment(given);
  const server = await startStdioServer({ args, env });
  onTestFinished(() => void server.child.kill("SIGKILL"));
  const { structuredContent } = await server.call("list_flex_clusters", { groupId: CLUSTER.groupId });
  await server.leave();
  const check = spawnSync(process.execPath, [BUILT, "check", ...args], { env, encoding: "utf8" });
  const texts = [server.output.stdout, server.output.stderr, check.stdout + check.stderr];
  // Each of them says what is wrong; none says the secret.
  for (const name of Object.keys(given.env ?? {}).filter((name) => /TOOLS|ORDERS|DOWNLOAD_DIR/.test(name)))
    for (const text of texts) expect(text).toContain(name);
  return { errorCode: Object(structuredContent.error).errorCode, text: texts.join("\n") };
}

describe.each(Object.entries(PLACES))("a secret in the wrong %s is in no answer, no log and no check:", (_, given) => {
  test.each(Object.entries(FORMS))("a %s", async (form, secret) => {
    const { errorCode, text } = await shownBy(given(secret));
    expect([errorCode, leaksIn(text, { [form]: secret })]).toEqual(["CONFIGURATION_INVALID", []]);
  });

  test.each(Object.entries(KNOWN_SECRETS))("%s, although it looks like a word", async (_, settings) => {
    const { env, args = [] } = given(KNOWN);
    const { errorCode, text } = await shownBy({ env: { ...env, ...settings }, args });
    expect([errorCode, text.match(/.{0,60}swordfish.{0,20}/i)]).toEqual(["CONFIGURATION_INVALID", null]);
  });
});

const USAGE: Record<string, (secret: string) => string[]> = {
  "an unknown command": (secret) => [secret],
  "an unknown option": (secret) => [`--${secret}`],
  "the value of an unknown option": (secret) => [`--client-secret=${secret}`],
  "the word after an unknown option": (secret) => ["--client-secret", secret],
  "one word too many": (secret) => ["check", secret],
  "the value of a switch": (secret) => [`--read-only=${secret}`],
  "the port of the simulator": (secret) => ["simulator", "--port", secret],
};

describe.each(Object.entries(USAGE))("a usage error does not show a secret that is %s:", (_, argv) => {
  const failing = (args: string[], env: Record<string, string>) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BUILT, ...args], { env, encoding: "utf8" });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^\S.*\.\n$/);
    return stdout + stderr;
  };

  test("by its form", async () => {
    for (const [form, secret] of Object.entries(FORMS))
      expect(leaksIn(failing(argv(secret), await environment({})), { [form]: secret })).toEqual([]);
  });

  test("by the variable that holds it too", async () => {
    for (const env of Object.values(KNOWN_SECRETS))
      expect(failing(argv(KNOWN), await environment({ env }))).not.toContain(KNOWN);
  });
});

test.each([...Object.values(FORMS), KNOWN])(
  "the command simulator does not show %j among its orders",
  async (secret) => {
    const settings = { ATLAS_FLEX_SIMULATOR_ORDERS: `api=${secret}`, MONGODB_ATLAS_ACCESS_TOKEN: KNOWN };
    const env = await environment({ env: settings });
    const { status, stderr } = spawnSync(process.execPath, [BUILT, "simulator"], { env, encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toContain("ATLAS_FLEX_SIMULATOR_ORDERS: ");
    expect(leaksIn(stderr, { secret })).toEqual([]);
    expect(stderr).not.toContain(KNOWN);
  },
);

test.each(Object.entries(FORMS))("the check does not show a %s as the file of certificates", async (_, secret) => {
  // Node.js itself names the file in a warning.
  const { found } = await caCertificates({ NODE_EXTRA_CA_CERTS: secret });
  expect(found).toBe("The file of NODE_EXTRA_CA_CERTS cannot be read: its name is not shown");
});

describe("what was written for a setting", () => {
  test.each([
    ...["list_flex_snapshot", "listFlexClusterz", "--hide-snapshot-url", "ATLAS_FLEX_HIDE_URLS", "Hide_Snapshot_Urls"],
    ...[
      CLUSTER.groupId,
      CLUSTER.groupId.toUpperCase(),
      "1234567890123456",
      "backups/2024/monday",
      "next to the others",
    ],
    ...["/home/someone/backups-of-2024-and-2025", "C:\\Backups\\atlas-flex-Ab3dE9x7", "~/backups-of-2024-and-2025"],
    ...["http://proxy.example.com:8080", "10.0.0.0/8,files.example.com", "%ProgramFiles(x86)%\\MongoDB", ""],
  ])("%j is quoted", (text) => {
    expect(mayBeQuoted(text)).toBe(true);
  });

  test.each([
    ...Object.values(FORMS).flatMap((secret) => [secret, `see ${secret}`, `backups/${secret}`, `/${secret}`]),
    ...[`/home/someone/${JWT}`, `/home/someone/${FORMS["private key"]}`, "/tmp/mdb_sa_sk_short", "person:word@host"],
    "word".repeat(17),
  ])("%j is not quoted", (text) => {
    expect(mayBeQuoted(text)).toBe(false);
  });
});
