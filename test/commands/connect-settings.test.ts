import { execFileSync, spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, realpath, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeOf } from "../../src/commands/connect/start.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { BUILT, temporaryFolder } from "../fixtures.ts";
import { connected, installedIn, NAME, pasted } from "./connected.ts";

const CLIENT_ID = SIMULATED.clientId;
const KEY = "12345678-1234-1234-1234-123456789012";

test("blanks of other widths stay in what is printed, and so do our words that are a proxy's password", {
  tags: "posix-paths",
}, async () => {
  const env = {
    HTTPS_PROXY: "http://ann:snapshots@proxy.example.com:8080",
    ATLAS_FLEX_DOWNLOAD_DIR: "/data/a\u3000b\u00a0c",
  };
  const { stdout, stderr } = await connected(["cursor", "--simulate"], { env });
  expect(pasted(stdout)).toMatchObject({
    args: [await realpath(BUILT), "--simulate"],
    env: { ATLAS_FLEX_DOWNLOAD_DIR: env.ATLAS_FLEX_DOWNLOAD_DIR },
  });
  expect(stdout).toContain(`"${NAME}"`);
  expect(stderr).not.toContain("[removed]");
});

test.each([
  ["a control character", "/data/\u001b[31mx"],
  ["a line break", "/data/a\nb"],
  ["an invisible character", "/data/a\u200db"],
])("a value with %s is refused with exit code 2, since a line would not keep it", async (_, folder) => {
  for (const given of [{ words: ["--download-dir", folder] }, { words: [], env: { NO_PROXY: folder } }]) {
    const { code, stdout, stderr } = await connected(["claude", "--simulate", ...given.words], given);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/(--download-dir|NO_PROXY) holds a line break, or a character that is invisible/);
  }
});

test("an installation in a folder with an invisible character is refused too", { tags: "posix-paths" }, async () => {
  const file = await installedIn("clone\u200d");
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, "connect", "claude", "--simulate"], {
    env: { HOME: await temporaryFolder() },
    encoding: "utf8",
  });
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toContain("The path of this installation holds a line break, or a character that is invisible");
});

describe("a restriction is never lost without a word", () => {
  const projects = "5fa1000000000000000000a1";

  test.each([
    ["that is a secret too", { ATLAS_FLEX_ALLOWED_PROJECTS: projects, MONGODB_ATLAS_CLIENT_SECRET: projects }],
    ["that nobody filled in", { ATLAS_FLEX_READ_ONLY: "${user_config.read_only}" }],
    ["that nobody filled in", { ATLAS_FLEX_HIDE_SNAPSHOT_URLS: "$HIDE" }],
    ["that nobody filled in", { ATLAS_FLEX_TOOLS: "${user_config.tools}" }],
  ])("one %s is refused: %j", async (_, env) => {
    const { code, stdout, stderr } = await connected(["cursor"], { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(Object.keys(env)[0]);
  });

  test("a misspelt variable is named", async () => {
    const { code, stderr } = await connected(["cursor"], { env: { ATLAS_FLEX_READONLY: "true" } });
    expect(code).toBe(0);
    expect(stderr).toContain("ATLAS_FLEX_READONLY is not a setting of this server; did you mean ATLAS_FLEX_READ_ONLY?");
  });

  test("an option that nobody filled in leaves its variable in force", async () => {
    const env = { ATLAS_FLEX_TOOLS: "list_flex_clusters" };
    const start = pasted(
      (await connected(["cursor", "--simulate", "--tools", "${user_config.tools}"], { env })).stdout,
    );
    expect([start.args.slice(1), start.env]).toEqual([["--simulate"], env]);
  });
});

test("Gemini CLI, which cuts a value at its equals sign, gets JSON for such a value", {
  tags: "posix-paths",
}, async () => {
  const home = await temporaryFolder();
  const env = { ATLAS_FLEX_DOWNLOAD_DIR: "/data/a=b" };
  const { stdout, stderr } = await connected(["gemini", "--simulate"], { home, env });
  expect(pasted(stdout).env).toEqual(env);
  expect(stderr).toContain(
    `put this into ${join(home, ".gemini/settings.json")}. If the file has mcpServers, add only`,
  );
  expect((await connected(["gemini", "--simulate", "--download-dir", "/a=b"])).stdout).toContain("gemini mcp add");
});

test("a complete API key is chosen before half a service account, as the server chooses", async () => {
  const { stdout, stderr, home } = await connected(["cursor"], {
    env: {
      MONGODB_ATLAS_CLIENT_ID: CLIENT_ID,
      MONGODB_ATLAS_PUBLIC_API_KEY: "publickk",
      MONGODB_ATLAS_PRIVATE_API_KEY: KEY,
    },
  });
  const file = join(home, ".atlas-flex-private-key");
  expect(pasted(stdout).env).toEqual({
    MONGODB_ATLAS_PUBLIC_API_KEY: "publickk",
    MONGODB_ATLAS_PRIVATE_API_KEY_FILE: file,
  });
  expect(stderr).toContain(
    `MONGODB_ATLAS_PRIVATE_API_KEY is set, but a secret is never printed: write it into ${file}, which the server reads`,
  );
});

test.each(["/path/to/secret", "C:\\path\\to\\secret"])(
  "the placeholders of the instructions count as missing, in the words of check: %s",
  async (file) => {
    const env = { MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_…", MONGODB_ATLAS_CLIENT_SECRET_FILE: file };
    const { stderr } = await connected(["cursor"], { env });
    expect(stderr).toContain("Put the client id of your service account in place of mdb_sa_id_…");
    expect(stderr).toContain("MONGODB_ATLAS_CLIENT_SECRET_FILE is still the placeholder of the instructions");
    expect(stderr).toContain("No client tries the credentials when it connects; the command check does.");
  },
);

test.each([
  ["MONGODB_ATLAS_CLIENT_SECRET_FILE", "secrets/atlas"],
  ["NODE_EXTRA_CA_CERTS", "ca.pem"],
])("%s with a relative path is refused, since clients start the server elsewhere", async (name, path) => {
  const { code, stdout, stderr } = await connected(["codex"], { env: { [name]: path } });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(new RegExp(`${name} must be (the|an) absolute path`));
});

test("an empty file and a folder in place of the secret get the words of check", async () => {
  const home = await temporaryFolder();
  const file = join(home, ".atlas-flex-secret");
  await writeFile(file, "", { mode: 0o600 });
  expect((await connected(["cursor"], { home })).stderr).toContain("CLIENT_SECRET_FILE names an empty file.");
  const folder = join(home, "folder");
  await mkdir(folder);
  const { stderr } = await connected(["cursor"], { home, env: { MONGODB_ATLAS_CLIENT_SECRET_FILE: folder } });
  expect(stderr).toMatch(/CLIENT_SECRET_FILE (must name a regular file|names a file that)/);
});

describe("the exit code", { tags: "shell" }, () => {
  const through = async (line: string) =>
    spawnSync("bash", ["-c", `set -o pipefail; "$NODE" "$FILE" connect gemini --simulate ${line}`], {
      env: { HOME: await temporaryFolder(), PATH: process.env.PATH, NODE: process.execPath, FILE: BUILT },
      encoding: "utf8",
    });

  test("is 1 if the line could not be written", { tags: "linux" }, async () => {
    expect((await through("> /dev/full")).status).toBe(1);
  });

  test("is 0 if the reader has gone", async () => {
    expect((await through("| true")).status).toBe(0);
  });

  test("comes with one empty line between what to do and what to know, where the text goes elsewhere", async () => {
    expect((await through("> /dev/null")).stderr).toMatch(/^Gemini CLI: run this in a terminal\.\n\n- /);
  });
});

test("the list ends with a line that runs as it stands", { tags: "shell" }, async () => {
  const { stdout } = await connected([]);
  const [, line = ""] = /For example:\n\n {2}(.*)\n$/.exec(stdout) ?? [];
  const env = { HOME: await temporaryFolder(), PATH: process.env.PATH };
  expect(execFileSync("bash", ["-c", line], { env, encoding: "utf8", stdio: "pipe" })).toContain("claude mcp add");
});

test("claude alone means Claude Code, and the desktop application is named beside it", async () => {
  const other = "For the desktop application: connect claude-desktop.";
  expect((await connected(["claude", "--simulate"])).stderr).toContain(other);
  expect((await connected(["claude-code", "--simulate"])).stderr).not.toContain(other);
});

test("the page on clients is named by its whole path", async () => {
  const { stderr } = await connected(["cursor", "--simulate"]);
  const [, page = ""] = /^- More about Cursor: (.*)$/m.exec(stderr) ?? [];
  expect(await readdir(join(page, ".."))).toContain("clients.md");
});

test("a link to Node.js in a folder to which others may write is not taken", { tags: "links" }, async () => {
  const folder = await realpath(await temporaryFolder());
  const bin = await realpath(await temporaryFolder());
  const own = join(folder, "node");
  await writeFile(own, "");
  await symlink(own, join(bin, "node"));
  expect(nodeOf({ PATH: bin }, own)).toBe(join(bin, "node"));
  await chmod(bin, 0o777);
  expect(nodeOf({ PATH: bin }, own)).toBe(own);
});
