import { execFileSync } from "node:child_process";
import { readdir, realpath, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { CLIENTS } from "../../src/commands/connect/clients.ts";
import { nodeOf } from "../../src/commands/connect/start.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { BUILT, connect, SERVICE_ACCOUNT, temporaryFolder } from "../fixtures.ts";
import { added, calledWith, connected, installedIn, NAME, pasted, Start } from "./connected.ts";

const CLIENT_ID = SIMULATED.clientId;
/** The programs that take the server on their command line, with the words before it. */
const COMMANDS = [
  ["claude-code", "claude", ["mcp", "add", "-s", "user", NAME]],
  ["codex", "codex", ["mcp", "add", NAME]],
  ["gemini", "gemini", ["mcp", "add", "-s", "user"]],
  ["opencode", "opencode", ["mcp", "add", NAME]],
  ["copilot", "copilot", ["mcp", "add", NAME]],
] as const;
const PASTED = ["claude-desktop", "cursor", "generic"];

const VsCode = Start.extend({
  name: z.literal(NAME),
  inputs: z.array(z.strictObject({ type: z.string(), id: z.string(), description: z.string(), password: z.boolean() })),
});

async function vsCodeWith(printed: string) {
  const [words = []] = await calledWith("code", printed);
  expect(words[0]).toBe("--add-mcp");
  return VsCode.partial({ inputs: true }).parse(JSON.parse(words[1] ?? ""));
}

/** What the client starts, for every client that has the secret from a file. */
async function startIn(name: string, stdout: string): Promise<Start> {
  const program = COMMANDS.find(([client]) => client === name)?.[1];
  if (program === undefined) return pasted(stdout);
  const [words = []] = await calledWith(program, stdout);
  return added(words);
}

test("every client has its test here", () => {
  expect([...COMMANDS.map(([name]) => name), ...PASTED, "vscode"].toSorted()).toEqual(Object.keys(CLIENTS).toSorted());
});

describe("connect", { tags: "shell" }, () => {
  test.each(COMMANDS)("%s gets one command for every folder", async (name, program, words) => {
    const { code, stdout } = await connected([name, "--simulate"]);
    const calls = await calledWith(program, stdout);
    expect({ code, calls: calls.map((call) => call.slice(0, words.length)) }).toEqual({ code: 0, calls: [words] });
  });

  test.each([...COMMANDS.map(([name]) => name), ...PASTED])(
    "%s starts exactly the built file, with the options and variables that were given",
    async (name) => {
      const home = await temporaryFolder();
      const { stdout } = await connected([name, "--read-only", "--tools", "list_flex_clusters,list_flex_snapshots"], {
        home,
        env: {
          MONGODB_ATLAS_CLIENT_ID: CLIENT_ID,
          MONGODB_ATLAS_CLIENT_SECRET_FILE: "/run/my secrets/atlas",
          ATLAS_FLEX_DOWNLOAD_DIR: '/data/Bäckups of "Ann" & $HOME',
          ATLAS_FLEX_MAX_WAIT_SECONDS: "600",
          https_proxy: "http://proxy.example.com:8080",
        },
      });
      expect(await startIn(name, stdout)).toEqual({
        command: expect.stringMatching(/^\/.*\/node$/),
        args: [await realpath(BUILT), "--read-only", "--tools", "list_flex_clusters,list_flex_snapshots"],
        env: {
          MONGODB_ATLAS_CLIENT_ID: CLIENT_ID,
          MONGODB_ATLAS_CLIENT_SECRET_FILE: "/run/my secrets/atlas",
          ATLAS_FLEX_DOWNLOAD_DIR: '/data/Bäckups of "Ann" & $HOME',
          ATLAS_FLEX_MAX_WAIT_SECONDS: "600",
          HTTPS_PROXY: "http://proxy.example.com:8080",
        },
      });
    },
  );

  test("VS Code asks for the secret, unless a file was chosen", async () => {
    const env = { MONGODB_ATLAS_CLIENT_ID: CLIENT_ID };
    const asked = await vsCodeWith((await connected(["vscode"], { env })).stdout);
    const [input] = asked.inputs ?? [];
    expect(input).toMatchObject({ type: "promptString", password: true });
    expect(asked.env).toEqual({ ...env, MONGODB_ATLAS_CLIENT_SECRET: `\${input:${input?.id}}` });
    expect(asked.args).toEqual([await realpath(BUILT)]);

    const file = { ...env, MONGODB_ATLAS_CLIENT_SECRET_FILE: "/run/secret" };
    const chosen = await vsCodeWith((await connected(["vscode"], { env: file })).stdout);
    expect([chosen.env, chosen.inputs]).toEqual([file, undefined]);
  });

  test.each([...COMMANDS.map(([name]) => name), ...PASTED])(
    "%s starts a server in a folder with blanks, quotes and umlauts",
    async (name) => {
      const file = await installedIn(`Ann's "Kopie" für Bäckups $HOME`);
      const home = await temporaryFolder();
      const stdout = execFileSync(process.execPath, [file, "connect", name, "--simulate"], {
        env: { PATH: process.env.PATH, HOME: home },
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      const start = await startIn(name, stdout);
      const { client } = await connect({ ...start, env: { ...start.env, HOME: home }, cwd: home });
      expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(TOOLS.map((tool) => tool.name));
    },
  );
});

test("without a name, the list names every client", async () => {
  const { code, stdout } = await connected([]);
  expect(code).toBe(0);
  for (const [name, { title }] of Object.entries(CLIENTS))
    expect(stdout).toMatch(new RegExp(`connect ${name} +${title}`));
});

test.each([
  ["clade", 'Unknown client "clade"; did you mean claude-code?'],
  ["gemeni", 'Unknown client "gemeni"; did you mean gemini?'],
  ["emacs-of-ann", 'Unknown client "emacs-of-ann". '],
])("the unknown client %s gets the nearest name and the list, and exit code 2", async (name, message) => {
  const { code, stdout, stderr } = await connected([name]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
  for (const known of Object.keys(CLIENTS)) expect(stderr).toContain(`connect ${known}`);
});

test("other names, capitals and blanks mean the same client", async () => {
  const { stdout } = await connected(["claude-code", "--simulate"]);
  for (const name of ["claude", "Claude Code", "CLAUDE_CODE"])
    expect((await connected([name, "--simulate"])).stdout, name).toBe(stdout);
});

test("without credentials, placeholders stand for them, and the notes say what to put there", async () => {
  const { stdout, stderr, home } = await connected(["cursor"]);
  expect(pasted(stdout).env).toEqual({
    MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_…",
    MONGODB_ATLAS_CLIENT_SECRET_FILE: join(home, ".atlas-flex-secret"),
  });
  expect(stderr).toContain("in place of mdb_sa_id_…");
  expect(stderr).toContain(
    `MONGODB_ATLAS_CLIENT_SECRET_FILE names a file that does not exist: ${join(home, ".atlas-flex-secret")}.`,
  );

  await writeFile(join(home, ".atlas-flex-secret"), SIMULATED.clientSecret, { mode: 0o600 });
  const again = await connected(["cursor"], { home, env: { MONGODB_ATLAS_CLIENT_ID: CLIENT_ID } });
  expect(again.stderr).not.toMatch(/does not exist|in place of/);
});

test.each([
  [
    { MONGODB_ATLAS_PUBLIC_API_KEY: "publickk" },
    ["MONGODB_ATLAS_PUBLIC_API_KEY", "MONGODB_ATLAS_PRIVATE_API_KEY_FILE"],
  ],
  [{ MDB_MCP_API_CLIENT_ID: CLIENT_ID }, ["MDB_MCP_API_CLIENT_ID", "MDB_MCP_API_CLIENT_SECRET_FILE"]],
  [{ MONGODB_ATLAS_ACCESS_TOKEN_FILE: join(tmpdir(), "token") }, ["MONGODB_ATLAS_ACCESS_TOKEN_FILE"]],
])("of %j, a pair of one family is printed", async (env, names) => {
  expect(Object.keys(pasted((await connected(["cursor"], { env })).stdout).env)).toEqual(names);
});

/** A canary makes a test fail in whose output it appears. */
const SECRETS = {
  MONGODB_ATLAS_CLIENT_ID: "mdb_sa_sk_canary_canary_canary_canary_0001",
  MONGODB_ATLAS_CLIENT_SECRET: "mdb_sa_sk_canary_canary_canary_canary_0002",
  MONGODB_ATLAS_PRIVATE_API_KEY: "canary00-1234-1234-1234-123456789012",
  MONGODB_ATLAS_ACCESS_TOKEN: "eyJcanary0.canary.canary",
  HTTPS_PROXY: "http://ann:canary-word@proxy.example.com:8080",
  MONGODB_ATLAS_PROJECT_ID: "",
  ATLAS_FLEX_FILE_HOSTS: "mdb-sa-sk-canary.example.com",
};

test.each(Object.keys(CLIENTS))(
  "no secret is printed for %s, wherever it stands, and the notes say what is missing",
  { tags: "posix-paths" },
  async (name) => {
    const { code, stderr } = await connected([name, "--download-dir", "/data/mdb_sa_sk_canary"], {
      env: { ...SERVICE_ACCOUNT, ...SECRETS, ATLAS_FLEX_FILE_HOSTS: "" },
    });
    expect(code).toBe(0);
    for (const what of ["HTTPS_PROXY", "--download-dir"])
      expect(stderr).toContain(`${what} may hold a secret, so it is not printed.`);
    expect(stderr).toContain("in place of mdb_sa_id_…");
  },
);

test.each([
  [["--tools", "list_flex_clustres"], /ATLAS_FLEX_TOOLS|--tools/],
  [["--download-dir", "backups"], /--download-dir.*absolute/],
  [["--download-dir", "%BACKUPS%\\here"], /--download-dir/],
])("%j would make every call fail, so nothing is printed and the exit code is 2", async (options, message) => {
  const { code, stdout, stderr } = await connected(["codex", ...options]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(message);
});

test("nothing is written, neither for the client nor elsewhere in the home folder", async () => {
  const home = await temporaryFolder();
  for (const name of Object.keys(CLIENTS)) await connected([name], { home });
  expect(await readdir(home)).toEqual([]);
});

describe("the Node.js that clients start", { tags: "links" }, () => {
  const made = async () => {
    const folder = await realpath(await temporaryFolder());
    await writeFile(join(folder, "node"), "");
    return { own: join(folder, "node"), bin: await realpath(await temporaryFolder()) };
  };

  test("is named by the link on PATH, which stays when a new version comes", async () => {
    const { own, bin } = await made();
    await symlink(own, join(bin, "node"));
    expect(nodeOf({ PATH: ["/nowhere", bin].join(":") }, own)).toBe(join(bin, "node"));
  });

  test("is named by its own path if PATH leads to another, or through a folder that is a link", async () => {
    const { own, bin } = await made();
    await writeFile(join(bin, "node"), "");
    const linked = join(await temporaryFolder(), "link");
    await symlink(join(own, ".."), linked);
    expect(nodeOf({ PATH: [bin, linked].join(":") }, own)).toBe(own);
  });
});
