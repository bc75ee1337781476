import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { type Config, type Options, parseConfig } from "../src/config.ts";
import type { Environment, SecretFile } from "../src/environment.ts";

const ID = "5fa1000000000000000000b1";
const ACCOUNT = { MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_1", MONGODB_ATLAS_CLIENT_SECRET: "mdb_sa_sk_1" };
const KEY = { MONGODB_ATLAS_PUBLIC_API_KEY: "public", MONGODB_ATLAS_PRIVATE_API_KEY: "private" };

function parse(env: Environment, options: Options = {}, file: SecretFile = { problem: "is missing." }): Config {
  return parseConfig({ options, env, toolNames: ["get_restore_job", "list_restore_jobs"], readSecretFile: () => file });
}

describe("without any setting", () => {
  const config = parse({});

  test("Atlas itself is meant, everything is allowed, nothing is hidden, and nothing is wrong", () => {
    expect(config).toMatchObject({
      simulate: false,
      readOnly: false,
      hideSnapshotUrls: false,
      logLevel: "info",
      problems: [],
      warnings: [],
    });
    expect(config.baseUrl.href).toBe("https://cloud.mongodb.com/");
    expect(config.downloadDir).toBe(join(homedir(), "atlas-flex-snapshots"));
    expect(config).not.toHaveProperty("tools");
    expect(config).not.toHaveProperty("credentials");
    expect(config).not.toHaveProperty("allowedProjects");
  });
});

describe("credentials", () => {
  test.each([
    [
      "our service account names",
      ACCOUNT,
      { kind: "service-account", clientId: "mdb_sa_id_1", clientSecret: "mdb_sa_sk_1" },
    ],
    [
      "the official server's names",
      { MDB_MCP_API_CLIENT_ID: "a", MDB_MCP_API_CLIENT_SECRET: "b" },
      { kind: "service-account", clientId: "a", clientSecret: "b" },
    ],
    ["API key names", KEY, { kind: "api-key", publicKey: "public", privateKey: "private" }],
    [
      "Terraform's names",
      { MONGODB_ATLAS_PUBLIC_KEY: "p", MONGODB_ATLAS_PRIVATE_KEY: "q" },
      { kind: "api-key", publicKey: "p", privateKey: "q" },
    ],
    ["a token", { MONGODB_ATLAS_ACCESS_TOKEN: "t" }, { kind: "access-token", token: "t" }],
  ])("%s are read", (_, env, credentials) => {
    expect(parse(env)).toMatchObject({ credentials, problems: [], warnings: [] });
  });

  test("of several complete kinds the service account wins, and a warning says so", () => {
    const config = parse({ ...KEY, MONGODB_ATLAS_ACCESS_TOKEN: "t", ...ACCOUNT });
    expect(config.credentials?.kind).toBe("service-account");
    expect(config.warnings).toEqual([
      "Several kinds of credentials are set (service-account, api-key, access-token); the service-account is used.",
    ]);
  });

  test("an API key wins over a token", () => {
    expect(parse({ ...KEY, MONGODB_ATLAS_ACCESS_TOKEN: "t" }).credentials?.kind).toBe("api-key");
  });

  test("half a pair alone is a problem that names the missing half", () => {
    expect(parse({ MONGODB_ATLAS_CLIENT_ID: "a" }).problems).toEqual([
      "MONGODB_ATLAS_CLIENT_ID is set without MONGODB_ATLAS_CLIENT_SECRET.",
    ]);
    expect(parse({ MONGODB_ATLAS_PRIVATE_KEY: "a" }).problems).toEqual([
      "MONGODB_ATLAS_PRIVATE_KEY is set without MONGODB_ATLAS_PUBLIC_KEY.",
    ]);
  });

  test("half a pair beside a complete kind is a warning only", () => {
    const config = parse({ ...ACCOUNT, MONGODB_ATLAS_PUBLIC_API_KEY: "p" });
    expect(config.problems).toEqual([]);
    expect(config.warnings).toEqual(["MONGODB_ATLAS_PUBLIC_API_KEY is set without MONGODB_ATLAS_PRIVATE_API_KEY."]);
  });

  test("a pair is never made of two naming families", () => {
    const config = parse({ MONGODB_ATLAS_CLIENT_ID: "a", MDB_MCP_API_CLIENT_SECRET: "b" });
    expect(config).not.toHaveProperty("credentials");
    expect(config.problems).toHaveLength(2);
  });

  test("a secret comes from the file that its _FILE variable names", () => {
    const env = { MONGODB_ATLAS_CLIENT_ID: "a", MONGODB_ATLAS_CLIENT_SECRET_FILE: "/run/secrets/atlas" };
    const config = parse(env, {}, { secret: "from-file", readableByOthers: true });
    expect(config.credentials).toEqual({ kind: "service-account", clientId: "a", clientSecret: "from-file" });
    expect(config.warnings).toEqual([
      "The file of MONGODB_ATLAS_CLIENT_SECRET_FILE can be read by other users of this computer; make it 0600.",
    ]);
  });

  test("a secret given both ways is a problem", () => {
    const config = parse({ ...ACCOUNT, MONGODB_ATLAS_CLIENT_SECRET_FILE: "/x" });
    expect(config.problems).toEqual([
      "MONGODB_ATLAS_CLIENT_SECRET and MONGODB_ATLAS_CLIENT_SECRET_FILE are both set; keep one of them.",
    ]);
  });

  test("blank values and placeholders that a host left unfilled count as unset", () => {
    const env = {
      MONGODB_ATLAS_CLIENT_ID: "${user_config.client_id}",
      MONGODB_ATLAS_CLIENT_SECRET: "  ",
      ATLAS_FLEX_READ_ONLY: "${user_config.read_only}",
    };
    expect(parse(env)).toMatchObject({ readOnly: false, problems: [], warnings: [] });
  });
});

describe("switches", () => {
  test.each([
    ["true", true],
    ["1", true],
    ["YES", true],
    ["on", true],
    ["false", false],
    ["0", false],
    ["no", false],
    ["Off", false],
  ])("the word %s is understood", (word, expected) => {
    expect(parse({ ATLAS_FLEX_READ_ONLY: word })).toMatchObject({ readOnly: expected, warnings: [] });
  });

  test("an unknown word counts as on, with a warning", () => {
    const config = parse({ ATLAS_FLEX_READ_ONLY: "maybe", ATLAS_FLEX_HIDE_SNAPSHOT_URLS: "ja" });
    expect(config).toMatchObject({ readOnly: true, hideSnapshotUrls: true });
    expect(config.warnings).toEqual([
      "ATLAS_FLEX_READ_ONLY must be true or false; it counts as true.",
      "ATLAS_FLEX_HIDE_SNAPSHOT_URLS must be true or false; it counts as true.",
    ]);
  });

  test("an option beats its variable", () => {
    expect(
      parse(
        { ATLAS_FLEX_READ_ONLY: "false", ATLAS_FLEX_LOG_LEVEL: "warn" },
        { "read-only": true, "log-level": "debug" },
      ),
    ).toMatchObject({ readOnly: true, logLevel: "debug" });
  });

  test("read-only hides links", () => {
    expect(parse({}, { "read-only": true }).hideSnapshotUrls).toBe(true);
  });

  test("a misspelt variable of ours is pointed out", () => {
    expect(parse({ ATLAS_FLEX_READONLY: "true" }).warnings).toEqual([
      "ATLAS_FLEX_READONLY is not a setting of this server; did you mean ATLAS_FLEX_READ_ONLY?",
    ]);
  });
});

describe("the base URL", () => {
  test.each([
    "https://cloud.mongodbgov.com",
    "https://cloud-dev.mongodb.com/",
    "http://localhost:8080",
    "http://127.0.0.1:1",
    "http://[::1]:9",
  ])("%s is accepted without a warning", (url) => {
    expect(parse({ MONGODB_ATLAS_BASE_URL: url })).toMatchObject({ problems: [], warnings: [] });
  });

  test.each([
    "http://cloud.mongodb.com",
    "https://user:pw@cloud.mongodb.com",
    "https://cloud.mongodb.com/api",
    "https://cloud.mongodb.com/?a=1",
    "ftp://127.0.0.1",
    "cloud.mongodb.com",
  ])("%s is refused", (url) => {
    const config = parse({ MONGODB_ATLAS_BASE_URL: url });
    expect(config.problems).toHaveLength(1);
    expect(config.problems[0]).toMatch(/^MONGODB_ATLAS_BASE_URL must be an origin/);
    expect(config.problems[0]).not.toContain("pw");
    expect(config.baseUrl.href).toBe("https://cloud.mongodb.com/");
  });

  test.each(["https://mongodb.com.evil.example", "https://evilmongodb.com", "https://atlas.example.com"])(
    "%s is accepted with a warning, since it receives the credentials",
    (url) => {
      expect(parse({ MONGODB_ATLAS_BASE_URL: url }).warnings).toEqual([
        `MONGODB_ATLAS_BASE_URL is not a host of MongoDB: ${url} receives the credentials.`,
      ]);
    },
  );
});

describe("lists and folders", () => {
  test("every problem is reported at once", () => {
    const config = parse({
      ATLAS_FLEX_TOOLS: "get_restore_jobs",
      ATLAS_FLEX_ALLOWED_PROJECTS: "XYZ",
      MONGODB_ATLAS_PROJECT_ID: "short",
      ATLAS_FLEX_FILE_HOSTS: "https://x",
      ATLAS_FLEX_LOG_LEVEL: "loud",
      HTTPS_PROXY: "proxy:8080",
      MONGODB_ATLAS_BASE_URL: "nowhere",
      MONGODB_ATLAS_CLIENT_ID: "a",
    });
    expect(config.problems.map((problem) => problem.split(" ")[0])).toEqual([
      "--tools",
      "MONGODB_ATLAS_PROJECT_ID",
      "ATLAS_FLEX_ALLOWED_PROJECTS",
      "MONGODB_ATLAS_CLIENT_ID",
      "--log-level",
      "MONGODB_ATLAS_BASE_URL",
      "ATLAS_FLEX_FILE_HOSTS",
      "HTTPS_PROXY",
    ]);
    expect(config.problems[0]).toContain("did you mean get_restore_job?");
  });

  test("lists are split at commas, blanks ignored", () => {
    expect(
      parse({ ATLAS_FLEX_ALLOWED_PROJECTS: ` ${ID} , ${ID}`, ATLAS_FLEX_TOOLS: "list_restore_jobs," }),
    ).toMatchObject({ allowedProjects: [ID, ID], tools: ["list_restore_jobs"] });
  });

  test("a default project outside the allowed ones is a problem", () => {
    const config = parse({ ATLAS_FLEX_ALLOWED_PROJECTS: ID, MONGODB_ATLAS_PROJECT_ID: ID.replace("b1", "b2") });
    expect(config.problems).toEqual(["MONGODB_ATLAS_PROJECT_ID is not among ATLAS_FLEX_ALLOWED_PROJECTS."]);
  });

  test.each(["~/backups", "${HOME}/backups", "$HOME/backups"])("the home folder in %s is expanded", (path) => {
    expect(parse({ ATLAS_FLEX_DOWNLOAD_DIR: path }).downloadDir).toBe(join(homedir(), "backups"));
  });

  test("a relative folder becomes absolute", () => {
    expect(parse({}, { "download-dir": "backups" }).downloadDir).toBe(resolve("backups"));
  });

  test("simulating ignores real credentials and saves into a folder of its own", () => {
    const config = parse(
      { ...ACCOUNT, MONGODB_ATLAS_BASE_URL: "nowhere" },
      { simulate: true, "download-dir": "/backups" },
    );
    expect(config).toMatchObject({ simulate: true, downloadDir: resolve("/backups/simulated"), problems: [] });
    expect(config).not.toHaveProperty("credentials");
  });
});
