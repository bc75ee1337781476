import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve, win32 } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { folderOr } from "../../src/config/readers.ts";
import type { Config } from "../../src/config/types.ts";
import { SECRET_VARIABLES } from "../../src/config/variables.ts";
import { parse } from "../parsed.ts";
import { SCRATCH } from "../scratch.ts";

const ID = "5fa1000000000000000000b1";
const SECRET = "mdb_sa_sk_$ecret_${x}_%40_1";
const folder = mkdtempSync(join(SCRATCH, "secrets-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function fileWith(content: string | Buffer): string {
  files += 1;
  const path = join(folder, `secret-${files}`);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

interface Kind {
  name: string;
  good: string;
  read: (raw: string) => Config;
  value: (config: Config) => unknown;
}

const variable = (name: string, good: string, value: (config: Config) => unknown): Kind => ({
  name,
  good,
  read: (raw) => parse({ [name]: raw }),
  value,
});
const option = (name: string, good: string, value: (config: Config) => unknown): Kind => ({
  name: `--${name}`,
  good,
  read: (raw) => parse({}, { [name]: raw }),
  value,
});
const secret = (name: string, good: string): Kind => ({
  name,
  good,
  read: (raw) => parse({ MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_1", [name]: raw }),
  value: ({ credentials }) => credentials,
});

/** One setting of each kind, with a value that can be used; placeholders and percent codes inside a value are harmless. */
const KINDS: Kind[] = [
  variable("MONGODB_ATLAS_PROJECT_ID", ID, ({ projectId }) => projectId),
  variable("ATLAS_FLEX_ALLOWED_PROJECTS", `${ID},${ID}`, ({ allowedProjects }) => allowedProjects),
  variable("ATLAS_FLEX_TOOLS", "get_restore_job, list_restore_jobs", ({ tools }) => tools),
  variable("ATLAS_FLEX_FILE_HOSTS", "a.test,b.test", ({ fileHosts }) => fileHosts),
  variable("ATLAS_FLEX_LOG_LEVEL", "DEBUG", ({ logLevel }) => logLevel),
  variable("ATLAS_FLEX_SIMULATE", "TRUE", ({ simulate }) => simulate),
  variable("ATLAS_FLEX_DOWNLOAD_DIR", resolve("/backups/100%/$1"), ({ downloadDir }) => downloadDir),
  variable("MONGODB_ATLAS_BASE_URL", "https://cloud.mongodbgov.com", ({ baseUrl }) => baseUrl.href),
  variable("HTTPS_PROXY", "http://user:p%40$X${y}%41@proxy:3128", ({ proxy }) => proxy),
  variable("http_proxy", "user:%24HOME@proxy", ({ proxy }) => proxy),
  variable("NO_PROXY", "localhost,.internal", ({ proxy }) => proxy),
  option("log-level", "debug", ({ logLevel }) => logLevel),
  option("tools", "get_restore_job", ({ tools }) => tools),
  option("download-dir", resolve("/backups"), ({ downloadDir }) => downloadDir),
  secret("MONGODB_ATLAS_CLIENT_SECRET", SECRET),
  variable("MONGODB_ATLAS_ACCESS_TOKEN", "%40$HOME-access-token", ({ credentials }) => credentials),
  secret("MONGODB_ATLAS_CLIENT_SECRET_FILE", fileWith(SECRET)),
];
const RESTRICTIONS = [
  variable("ATLAS_FLEX_READ_ONLY", "true", ({ readOnly }) => readOnly),
  variable("ATLAS_FLEX_HIDE_SNAPSHOT_URLS", "true", ({ hideSnapshotUrls }) => hideSnapshotUrls),
];
const IN_FILE: Kind = {
  ...secret("MONGODB_ATLAS_CLIENT_SECRET_FILE", SECRET),
  read: (raw) => secret("MONGODB_ATLAS_CLIENT_SECRET_FILE", "").read(fileWith(raw)),
};

const WRAPPED: [string, (value: string) => string][] = [
  ["in double quotes", (value) => `"${value}"`],
  ["in single quotes", (value) => `'${value}'`],
  ["after a byte order mark", (value) => `\ufeff${value}`],
  ["between blanks and line ends", (value) => `\r\n \t${value} \n\r\n\n`],
  ["in all of these at once", (value) => `\ufeff\n" ${value}\r\n" \n`],
];
const BLANK = ["", "  ", '""', "''", "\ufeff\r\n", "${user_config.field}", ' "${user_config.field}"\n'];
const UNFILLED = ["${X}", "${env:X}", "${input:x}", "$X", "$env:X", "$Env:USERPROFILE", "%X%", "'%APPDATA%'"];

describe.each([...KINDS, ...RESTRICTIONS, IN_FILE])("$name", ({ good, read, value }) => {
  test.each(WRAPPED)("means the same %s", (_, wrap) => {
    const config = read(wrap(good));
    expect(config).toMatchObject({ problems: [], warnings: [] });
    expect(value(config)).toEqual(value(read(good)));
    expect(value(config)).not.toEqual(value(parse({})));
  });
});

describe.each(KINDS)("$name", ({ name, read, value }) => {
  test.each(BLANK)("is unset by %j", (raw) => {
    const problems = read(raw).problems.filter((problem) => !problem.includes("is set without"));
    expect(problems).toEqual([]);
    expect(value(read(raw))).toEqual(value(parse({})));
  });

  test.each([...UNFILLED, "file:///etc/x", "FILE:x"])("is a problem, and the only one, as %j", (raw) => {
    const { problems, unusable } = read(raw);
    expect(problems).toEqual([expect.stringMatching(/ is (still a placeholder that nobody filled in|a file: URL)/)]);
    expect(problems[0]).toContain(name);
    expect(unusable).not.toEqual([]);
  });
});

describe.each(RESTRICTIONS)("$name, which restricts,", ({ name, read, value }) => {
  test.each([...UNFILLED, "${user_config.x}", "'${user_config.x}'", "file:x", "ja", "flase", "tr ue"])(
    "counts as on for %j, with a warning",
    (raw) => {
      expect(read(raw)).toMatchObject({
        problems: [],
        warnings: [`${name} must be true or false; it counts as true.`],
      });
      expect(value(read(raw))).toBe(true);
    },
  );

  test.each(BLANK.filter((raw) => !raw.includes("$")))("is off when %j leaves it blank", (raw) => {
    expect(read(raw).warnings).toEqual([]);
    expect(value(read(raw))).toBe(false);
  });

  test.each([
    ['"true"', true],
    ["'false'", false],
    ["\ufeffTRUE\r\n", true],
    ["False", false],
    ["'OFF' ", false],
  ])("reads %j as %s", (raw, expected) => {
    expect(read(raw).warnings).toEqual([]);
    expect(value(read(raw))).toBe(expected);
  });
});

test.each(["ja", "flase", "$SIMULATE"])("whether to simulate is not guessed from %j, and Atlas is not asked", (raw) => {
  const { problems, unusable } = parse({ ATLAS_FLEX_SIMULATE: raw });
  expect(problems).toEqual([expect.stringMatching(/^--simulate \/ ATLAS_FLEX_SIMULATE /)]);
  expect(unusable).toEqual(["simulate", "route"]);
});

describe("a folder", () => {
  const problemOf = (text: string) => parse({ ATLAS_FLEX_DOWNLOAD_DIR: text }).problems;
  const DIR = "--download-dir / ATLAS_FLEX_DOWNLOAD_DIR";

  test.each([
    "%USERPROFILE%\\backups",
    "$env:APPDATA\\b",
    "$XDG_DATA_HOME/b",
    "${workspaceFolder}/b",
    "${user_config.dir}/b",
    "%ProgramFiles(x86)%/b",
  ])("that begins with the placeholder of %s is a problem that names the way", (text) => {
    expect(problemOf(`"${text}"`)).toEqual([
      `${DIR} begins with a placeholder that nobody filled in: ${text}. Write the absolute path, or one that begins with ~/, your home folder.`,
    ]);
  });

  test.each([
    ["backups", "~/backups"],
    ["./a/backups", "~/a/backups"],
    ["'my backups'", "~/my backups"],
  ])("that is relative, as %s, is a problem that names both folders that may be meant", (raw, inHome) => {
    const text = raw.replaceAll("'", "");
    for (const config of [parse({ ATLAS_FLEX_DOWNLOAD_DIR: raw }), parse({}, { "download-dir": raw })])
      expect(config).toMatchObject({
        problems: [
          `${DIR} must be an absolute path or begin with ~/: instead of ${text} write ${resolve(text)}, or ${inHome} for a folder in your home folder.`,
        ],
        unusable: ["downloadDir"],
        downloadDir: join(homedir(), "atlas-flex-snapshots"),
      });
  });

  test("outside the current one is not said to be in the home folder", () => {
    expect(problemOf("../b")).toEqual([
      `${DIR} must be an absolute path or begin with ~/: instead of ../b write ${resolve("../b")}.`,
    ]);
  });

  test.each(["~bob/b", "~\\b", "C:\\b", "C:b"])(
    "like %s, which means nothing here, is a problem without a guess",
    { tags: "posix-paths" },
    (text) => {
      expect(problemOf(text)).toEqual([`${DIR} must be an absolute path or begin with ~/, unlike ${text}.`]);
    },
  );

  test("that looks like a secret is not quoted", () => {
    expect(problemOf("mdb_sa_sk_canary").join()).not.toContain("canary");
  });

  test("with a placeholder further down is used as it is, with a warning", () => {
    const text = resolve("/home/%USERNAME%/b");
    expect(parse({ ATLAS_FLEX_DOWNLOAD_DIR: text })).toMatchObject({
      downloadDir: text,
      problems: [],
      warnings: ["ATLAS_FLEX_DOWNLOAD_DIR contains %USERNAME%, which looks like a placeholder and is used as it is."],
    });
  });

  test.each(["~", "$HOME", "${HOME}"])("can be the home folder, written %s", (text) => {
    expect(parse({ ATLAS_FLEX_DOWNLOAD_DIR: text })).toMatchObject({ downloadDir: homedir(), problems: [] });
  });
});

describe("a folder on Windows", () => {
  function read(text: string) {
    const problems: string[] = [];
    const report = (predicate: string) => void problems.push(predicate);
    return {
      path: folderOr("C:\\fallback", win32)({ text, toolNames: [], problem: report, warning: report }),
      problems,
    };
  }

  test.each([
    ["C:\\x", "C:\\x"],
    ["c:/x/y", "c:\\x\\y"],
    ["\\\\host\\share\\x", "\\\\host\\share\\x"],
    ["//host/share/x", "\\\\host\\share\\x"],
  ])("can be %s", (text, path) => {
    expect(read(text)).toEqual({ path, problems: [] });
  });

  test.each(["\\x", "/x", "x\\y", ".\\x"])("cannot be %s, which depends on the current drive or folder", (text) => {
    expect(read(text)).toEqual({
      path: "C:\\fallback",
      problems: [expect.stringContaining(`instead of ${text} write ${win32.resolve(text)}`)],
    });
  });

  test("is suggested in the home folder with the separators of ~/", () => {
    expect(read("x\\y").problems[0]).toContain(", or ~/x/y for");
  });

  test("cannot be given by its drive alone", () => {
    expect(read("C:x").problems).toEqual(["must be an absolute path or begin with ~/, unlike C:x."]);
  });
});

describe.each(SECRET_VARIABLES.filter((name) => name.endsWith("_FILE")))("%s", (name) => {
  const ids = [
    "MONGODB_ATLAS_CLIENT_ID",
    "MDB_MCP_API_CLIENT_ID",
    "MONGODB_ATLAS_PUBLIC_API_KEY",
    "MONGODB_ATLAS_PUBLIC_KEY",
  ];
  const env = Object.fromEntries(ids.map((id) => [id, "an-id"]));
  const read = (path: string) => {
    const { problems, credentials } = parse({ ...env, [name]: path });
    return {
      problems: problems.filter((problem) => problem.includes(`${name} `)),
      secrets: JSON.stringify(credentials),
    };
  };
  const text = `\r\n"${SECRET}" \r\n`;
  const utf16 = Buffer.from(text, "utf16le");

  test.each([
    ["UTF-8", Buffer.from(text)],
    ["UTF-8 with a byte order mark", Buffer.from(`\ufeff${text}`)],
    ["UTF-16, as PowerShell 5 writes it", Buffer.from(`\ufeff${text}`, "utf16le")],
    ["UTF-16 with the high bytes first", Buffer.from(`\ufeff${text}`, "utf16le").swap16()],
  ])("may be in %s", (_, bytes) => {
    expect(read(fileWith(bytes))).toEqual({ problems: [], secrets: expect.stringContaining(SECRET) });
  });

  test.each([
    ["in UTF-16 without a byte order mark", utf16],
    ["in UTF-16 without a byte order mark", Buffer.from(utf16).swap16()],
    ["that is cut off in the middle of a UTF-16 character", Buffer.from(`\ufeff${text}`, "utf16le").subarray(0, -1)],
    ["that is not a text file, since it contains zero bytes", Buffer.from("\x7fELF\x02\x00\x00\x00\x00\x01", "latin1")],
    ["whose encoding is neither UTF-8 nor UTF-16", Buffer.from("mdb_sa_sk_\xe9", "latin1")],
  ])("names a file %s: a problem with its path", (flaw, bytes) => {
    const path = fileWith(bytes);
    expect(read(path).problems).toEqual([`${name} names a file ${flaw}: ${path}. Save it as UTF-8.`]);
  });

  test.each([
    ["${ATLAS_SECRET}", /holds a placeholder in place of the secret: (?:\/|\w:\\)/],
    ["${user_config.x}", /holds a placeholder/],
    ["'' \n", /an empty file/],
    ["sec ret of an account", /whose text holds a character/],
    ["mdb_sa_sk_…", /whose text is still the placeholder of the instructions/],
  ])("names a file that holds %j: a problem of that variable", (content, problem) => {
    expect(read(fileWith(content)).problems).toEqual([expect.stringMatching(problem)]);
  });

  test.each(["package.json", "./package.json", "no-such-file", "$X/secret", "%X%\\secret", "~bob/secret"])(
    "must be an absolute path, unlike %s, whether the file exists or not",
    (path) => {
      expect(read(path).problems).toEqual([
        expect.stringMatching(/must be the absolute path of a file|Write the absolute path|write the absolute path/),
      ]);
    },
  );
});
