import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { ACCOUNT, parse } from "../parsed.ts";

const ID = "5fa1000000000000000000b1";

describe("without any setting", () => {
  const config = parse({});

  test("the server uses Atlas itself, allows everything, hides nothing, and reports no problem", () => {
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
    expect(config.tools).toBeUndefined();
    expect(config.credentials).toBeUndefined();
    expect(config.allowedProjects).toBeUndefined();
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

  test.each([
    ["MONGODB_ATLAS_PROJECTID", "MONGODB_ATLAS_PROJECT_ID"],
    ["MONGODB_ATLAS_CLIENTSECRET", "MONGODB_ATLAS_CLIENT_SECRET"],
    ["MONGODB_ATLAS_CLEINT_ID", "MONGODB_ATLAS_CLIENT_ID"],
    ["MONGODB_ATLAS_CLIENT_SECRET_FLIE", "MONGODB_ATLAS_CLIENT_SECRET_FILE"],
    ["MDB_MCP_API_CLIENTID", "MDB_MCP_API_CLIENT_ID"],
    ["ATLAS_FLEX_HIDE_URLS", "ATLAS_FLEX_HIDE_SNAPSHOT_URLS"],
    ["ATLAS_FLEX_ALOWED_PROJECTS", "ATLAS_FLEX_ALLOWED_PROJECTS"],
  ])("%s causes a warning that names the right variable", (name, meant) => {
    expect(parse({ [name]: "canary" }).warnings).toEqual([
      `${name} is not a setting of this server; did you mean ${meant}?`,
    ]);
  });

  test("a _FILE variable of a setting that is not a secret causes a warning", () => {
    expect(parse({ MONGODB_ATLAS_PROJECT_ID_FILE: "/run/id" }).warnings).toEqual([
      "MONGODB_ATLAS_PROJECT_ID_FILE is not read, since only secrets come from files; set MONGODB_ATLAS_PROJECT_ID itself.",
    ]);
  });

  test.each(["MONGODB_ATLAS_ORG_ID", "MONGODB_ATLAS_SERVICE", "MONGODB_ATLAS_REFRESH_TOKEN", "MDB_MCP_API_BASE_URL"])(
    "%s belongs to another tool and causes no warning",
    (name) => {
      expect(parse({ [name]: "x" }).warnings).toEqual([]);
    },
  );

  test("a misspelt variable of this server causes a warning", () => {
    expect(parse({ ATLAS_FLEX_READONLY: "true" }).warnings).toEqual([
      "ATLAS_FLEX_READONLY is not a setting of this server; did you mean ATLAS_FLEX_READ_ONLY?",
    ]);
  });
});

describe("lists and folders", () => {
  test("every problem is reported at once", () => {
    const config = parse({
      ATLAS_FLEX_TOOLS: "get_restore_jobs",
      ATLAS_FLEX_ALLOWED_PROJECTS: "XYZ",
      MONGODB_ATLAS_PROJECT_ID: "short",
      ATLAS_FLEX_FILE_HOSTS: "https://x",
      ATLAS_FLEX_LOG_LEVEL: "loud",
      HTTPS_PROXY: "socks5://proxy:1080",
      MONGODB_ATLAS_BASE_URL: "nowhere",
      MONGODB_ATLAS_CLIENT_ID: "a",
    });
    expect(config.problems.map((problem) => problem.split(" ")[0])).toEqual([
      "MONGODB_ATLAS_PROJECT_ID",
      "ATLAS_FLEX_ALLOWED_PROJECTS",
      "--tools",
      "ATLAS_FLEX_FILE_HOSTS",
      "--log-level",
      "MONGODB_ATLAS_CLIENT_ID",
      "MONGODB_ATLAS_BASE_URL",
      "HTTPS_PROXY",
    ]);
    expect(config.problems[2]).toContain('"get_restore_jobs" (did you mean get_restore_job?)');
  });

  test("every unknown tool is named, with what may have been meant", () => {
    const { problems, tools } = parse({}, { tools: "get_restore_job,foo,list_restore_job,bar" });
    expect(problems).toEqual([
      '--tools / ATLAS_FLEX_TOOLS names "foo", "list_restore_job" (did you mean list_restore_jobs?), "bar": unknown. Known: get_restore_job, list_restore_jobs.',
    ]);
    expect(tools).toEqual(["get_restore_job"]);
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

  test.each(["65GiB", "5000GiB", "10MB", "-1"])("%s is refused as a size of the simulator's files", (text) => {
    expect(parse({ ATLAS_FLEX_SIMULATOR_BYTES: text }, { simulate: true }).problems).toEqual([
      "ATLAS_FLEX_SIMULATOR_BYTES must be a whole number, optionally followed by KiB, MiB or GiB, and at most 64 GiB.",
    ]);
  });

  test.each([
    ["64MiB", 64 * 1024 ** 2],
    ["1 GiB", 1024 ** 3],
    ["7", 7],
  ])("the simulator's size %s is read as in its orders", (text, snapshotBytes) => {
    expect(parse({ ATLAS_FLEX_SIMULATOR_BYTES: text }, { simulate: true })).toMatchObject({
      simulator: { snapshotBytes },
      problems: [],
    });
  });

  test("the wrong entry of a list of project ids is named, unless it may be a secret in the wrong place", () => {
    const config = parse({ ATLAS_FLEX_ALLOWED_PROJECTS: `${ID},${ID.toUpperCase()},mdb_sa_sk_canary` });
    expect(config.problems).toEqual([expect.stringMatching(/; wrong: "5FA1000000000000000000B1", entry 3\.$/)]);
    expect(config.allowedProjects).toEqual([ID]);
  });

  test("the simulator's settings are read only while simulating; otherwise a warning says that they have no effect", () => {
    const env = { ATLAS_FLEX_SIMULATOR_BYTES: "1000", ATLAS_FLEX_SIMULATOR_RATE: "fast" };
    expect(parse(env, { simulate: true })).toMatchObject({
      simulator: { orders: "", snapshotBytes: 1_000 },
      problems: [
        "ATLAS_FLEX_SIMULATOR_RATE must be a whole number, optionally followed by KiB, MiB or GiB, and at most 64 GiB.",
      ],
    });
    expect(parse(env)).toMatchObject({
      problems: [],
      warnings: [
        "ATLAS_FLEX_SIMULATOR_BYTES has no effect without --simulate.",
        "ATLAS_FLEX_SIMULATOR_RATE has no effect without --simulate.",
      ],
    });
    expect(parse(env)).not.toHaveProperty("simulator");
  });

  test("simulating ignores real credentials and saves into a folder of its own", () => {
    const config = parse(
      { ...ACCOUNT, MONGODB_ATLAS_BASE_URL: "nowhere" },
      { simulate: true, "download-dir": resolve("/backups") },
    );
    expect(config).toMatchObject({ simulate: true, downloadDir: resolve("/backups/simulated"), problems: [] });
    expect(config).not.toHaveProperty("credentials");
  });
});
