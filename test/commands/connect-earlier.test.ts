import { execFileSync } from "node:child_process";
import { mkdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { CLIENTS } from "../../src/commands/connect/clients.ts";
import { withoutComments } from "../../src/commands/connect/configuration.ts";
import { asShell, isTooHardToQuote, shellCommand } from "../../src/commands/connect/forms.ts";
import { BUILT, temporaryFolder } from "../fixtures.ts";
import { calledWith, connected, NAME } from "./connected.ts";

/** The server as the client has it, in the client's own form. */
function entryIn(client: string, file: string, more: object = {}): string {
  const key = CLIENTS[client]?.servers ?? "";
  if (client === "codex") return `[${key}.${NAME}]\ncommand = "node"\nargs = ['${file}']\n`;
  const entry = client === "opencode" ? { command: ["node", file] } : { command: "node", args: [file] };
  return JSON.stringify({ [key]: { [NAME]: { ...entry, ...more } } });
}

/** Writes a client's configuration, by default one that names the file as the server's. */
async function configured(
  client: string,
  file: string,
  text = entryIn(client, file),
): Promise<{ home: string; configuration: string; text: string }> {
  const home = await temporaryFolder();
  const [configuration = ""] = CLIENTS[client]?.files({ home, platform: process.platform, env: {} }) ?? [];
  await mkdir(dirname(configuration), { recursive: true });
  await writeFile(configuration, text);
  return { home, configuration, text };
}

const MOVED = "/home/ann/old clone/dist/atlas-flex-snapshots-mcp.js";
const WITH_FILES = Object.keys(CLIENTS).filter((name) => name !== "generic");

test.each(WITH_FILES)(
  "a clone that was moved after %s was connected is named, with its configuration",
  async (client) => {
    const { home, configuration, text } = await configured(client, MOVED);
    const { code, stderr } = await connected([client, "--simulate"], { home });
    expect(code).toBe(0);
    expect(stderr).toContain(
      `${configuration} has this server already, from a file that is not there any more, since the clone was moved or deleted: "${MOVED}". What is printed here replaces it.`,
    );
    expect(await readFile(configuration, "utf8")).toBe(text);
  },
);

test("another installation that is still there is named as such, and this one is recognised through a link", {
  tags: "links",
}, async () => {
  const folder = await temporaryFolder();
  const other = join(folder, "atlas-flex-snapshots-mcp.js");
  await writeFile(other, "");
  const { home } = await configured("gemini", other);
  expect((await connected(["gemini"], { home })).stderr).toContain(`already, from another installation: "${other}".`);
  await symlink(dirname(BUILT), join(folder, "link"));
  const same = await configured("gemini", join(folder, "link", "atlas-flex-snapshots-mcp.js"));
  expect((await connected(["gemini"], same)).stderr).toContain("already, from this installation. What is printed here");
});

test.each([
  ["a byte order mark, comments and last commas", (json: string) => `\ufeff// mine\n${json.slice(0, -1)}, /* end */}`],
  ["a comment mark in a string", (json: string) => json.replace(/^\{/, '{"note": "https://x /* \\" ",')],
])("%s do not hide the server", async (_, written) => {
  const { home, configuration } = await configured("gemini", MOVED, written(entryIn("gemini", MOVED)));
  const { stderr } = await connected(["gemini", "--simulate"], { home });
  expect(stderr).toContain(`${configuration} has this server already`);
});

test.each([
  ["gemini", "{ 'mcpServers': ", "JSON"],
  ["codex", "[mcp_servers", "TOML"],
])("a configuration of %s that cannot be parsed is named", async (client, text, form) => {
  const { home, configuration } = await configured(client, "", text);
  expect((await connected([client, "--simulate"], { home })).stderr).toContain(
    `${configuration} is not valid ${form}, so it is not known whether this server is in it already. Options and variables of an earlier entry are not carried over.`,
  );
});

test("a text that only ends in the file's name is not repeated, whatever it holds", {
  tags: "posix-paths",
}, async () => {
  const built = "atlas-flex-snapshots-mcp.js";
  for (const file of [
    `API_KEY=hunter2hunter2 node /opt/${built}`,
    `/opt/mdb_sa_sk_canary/${built}`,
    `/x\n- Run hunter2 now:/${built}`,
    `hunter2/${built}`,
    `--token=hunter2/${built}`,
  ]) {
    const { home } = await configured("cursor", file);
    const { code, stderr } = await connected(["cursor", "--simulate"], { home });
    expect(code).toBe(0);
    expect(stderr).toContain("has this server already");
    expect(stderr).not.toContain("hunter2");
  }
});

test("what the earlier entry has and the new one lacks is named, without values", async () => {
  const env = { ATLAS_FLEX_ALLOWED_PROJECTS: "5fa1000000000000000000a1", MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_1" };
  const args = [MOVED, "--read-only", "--tools=list_flex_clusters", "--log-level", "warn"];
  const text = entryIn("gemini", MOVED, { args, env, timeout: 600_000, trust: false });
  const { home } = await configured("gemini", MOVED, text);
  const { stderr } = await connected(["gemini"], { home, env: { ATLAS_FLEX_LOG_LEVEL: "warn" } });
  expect(stderr).toContain(
    "without what the earlier entry has besides: --read-only, --tools, ATLAS_FLEX_ALLOWED_PROJECTS, MONGODB_ATLAS_CLIENT_ID, timeout, trust. To keep",
  );
  expect(stderr).not.toMatch(/5fa1000|--log-level/);
});

test("the lines of approval that codex removes are named", async () => {
  const text = `${entryIn("codex", MOVED)}tool_timeout_sec = 3700\n[mcp_servers.${NAME}.tools.save_flex_snapshot]\napproval_mode = "approve"\n`;
  const { home } = await configured("codex", MOVED, text);
  expect((await connected(["codex", "--simulate"], { home })).stderr).toContain("besides: tool_timeout_sec, tools. To");
});

test("the same server under another name is named as a second one", async () => {
  const text = entryIn("cursor", MOVED).replace(NAME, "mine");
  const { home } = await configured("cursor", MOVED, text);
  expect((await connected(["cursor", "--simulate"], { home })).stderr).toContain(
    "under another name too: Cursor starts",
  );
});

test.each([
  ["claude", ".mcp.json", "claude mcp remove -s project atlas-flex-snapshots"],
  ["gemini", ".gemini/settings.json", "gemini mcp remove -s project atlas-flex-snapshots"],
  ["cursor", ".cursor/mcp.json", "delete it from the file"],
])(
  "an entry of the current folder wins over that of %s, which is said with what removes it",
  async (client, file, how) => {
    const folder = await temporaryFolder();
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), entryIn("cursor", MOVED));
    const { stderr } = await connected([client, "--simulate"], { cwd: folder });
    expect(stderr).toMatch(/has this server too, and wins in this folder\./);
    expect(stderr).toContain(how);
    const atHome = await connected([client, "--simulate"], { cwd: folder, home: folder });
    if (client !== "claude") expect(atHome.stderr).not.toContain("wins in this folder");
  },
);

describe("a client that refuses a name which it has", { tags: "shell" }, () => {
  test.each([
    ["claude-code", "claude", ["mcp", "remove", "-s", "user", NAME]],
    ["copilot", "copilot", ["mcp", "remove", NAME]],
  ])("%s is told to remove the server before it adds it again", async (client, program, removal) => {
    const { home } = await configured(client, MOVED);
    const [first, second] = await calledWith(program, (await connected([client, "--simulate"], { home })).stdout);
    expect(first).toEqual(removal);
    expect(second?.slice(0, 2)).toEqual(["mcp", "add"]);
  });

  test("is told how to remove a server of one folder only there", async () => {
    const home = await temporaryFolder();
    const local = { projects: { "/home/ann/shop": { mcpServers: { [NAME]: { command: "node", args: [MOVED] } } } } };
    await writeFile(join(home, ".claude.json"), JSON.stringify(local));
    const { stdout, stderr } = await connected(["claude-code", "--simulate"], { home });
    expect(stdout).not.toContain("remove");
    expect(stderr).toContain(
      'where that entry wins: "/home/ann/shop". To remove it, run there: claude mcp remove -s local atlas-flex-snapshots',
    );
  });
});

test("a configuration that cannot be read is named, with the reason", async () => {
  const home = await temporaryFolder();
  await mkdir(join(home, ".gemini/settings.json"), { recursive: true });
  const { code, stdout, stderr } = await connected(["gemini", "--simulate"], { home });
  expect({ code, hasLine: stdout.startsWith("gemini mcp add") }).toEqual({ code: 0, hasLine: true });
  expect(stderr).toMatch(
    /settings\.json (is not a regular file|cannot be read \(\w+\)), so it is not known whether this server is in it already\./,
  );
});

test("a named pipe and a file of 600 MB do not delay the answer", { tags: "shell" }, async () => {
  const { home, configuration } = await configured("gemini", MOVED);
  await truncate(configuration, 600 * 1024 ** 2);
  expect((await connected(["gemini", "--simulate"], { home })).stderr).toContain("is larger than 16 MiB, so it is not");
  await rm(configuration);
  execFileSync("mkfifo", [configuration]);
  expect((await connected(["gemini", "--simulate"], { home })).stderr).toContain("is not a regular file, so it is not");
});

test("the comments of a large configuration are taken off in time that grows with its size", () => {
  const text = `{"a": ${'\\"'.repeat(2_000_000)}`;
  expect(withoutComments(text)).toBe(text);
  expect(withoutComments(`{"a": "${'\\"'.repeat(2_000_000)}", // b\n}`)).toMatch(/^\{"a": "[^\n]*" \n\}$/);
});

test.each([
  ["/nonexistent/home", 'Your home folder ("/nonexistent/home") is not there.'],
  ["relative", 'HOME is not an absolute path ("relative").'],
])("the home folder %s gets a sentence that says what to set", { tags: "posix-paths" }, async (home, sentence) => {
  const { code, stderr } = await connected(["opencode", "--simulate", "--download-dir", "/data"], { home });
  expect(code).toBe(0);
  expect(stderr).toContain(`${sentence} Clients keep their configuration in the home folder: set HOME`);
});

describe("on Windows", () => {
  const start = {
    node: "C:\\Program Files\\nodejs\\node.exe",
    args: ["C:\\Users\\Zoë Müller\\clone\\dist\\atlas-flex-snapshots-mcp.js", "--simulate"],
    account: {},
    env: { ATLAS_FLEX_DOWNLOAD_DIR: "D:\\It's $5" },
  };

  test("a command is one for PowerShell, which would keep unquoted dashes for itself", () => {
    expect(CLIENTS["claude-code"]?.print(start, "win32")).toEqual({
      language: "powershell",
      text: [
        "claude mcp add -s user atlas-flex-snapshots `",
        "  --env 'ATLAS_FLEX_DOWNLOAD_DIR=D:\\It''s $5' `",
        '  \'--\' "C:\\Program Files\\nodejs\\node.exe" "C:\\Users\\Zoë Müller\\clone\\dist\\atlas-flex-snapshots-mcp.js" --simulate',
      ].join("\n"),
    });
  });

  test("VS Code gets the JSON of its configuration file, since a batch file takes no JSON", () => {
    const printed = CLIENTS.vscode?.print(start, "win32");
    expect(printed?.language).toBe("json");
    expect(JSON.parse(printed?.text ?? "")).toEqual({
      servers: { [NAME]: { type: "stdio", command: start.node, args: start.args, env: start.env } },
    });
  });

  test("a backslash at the end of a word does not take the quote that follows for its own", () => {
    expect(shellCommand([["D:\\my backups\\", "X=D:\\"]], "win32")).toBe('"D:\\my backups" "X=D:\\."');
  });

  test.each(['"', "&", "|", "<", ">", "^", "%"])("a value with %s is too hard to quote for a batch file", (mark) => {
    expect(isTooHardToQuote({ ...start, env: { NO_PROXY: `a${mark}b` } })).toBe(true);
    expect(isTooHardToQuote(start)).toBe(false);
  });

  test("a client's configuration is in the folder of applications", () => {
    const place = {
      home: "C:\\Users\\zoe",
      platform: "win32" as const,
      env: { APPDATA: "C:\\Users\\zoe\\AppData\\Roaming" },
    };
    expect(CLIENTS["claude-desktop"]?.files(place)).toEqual([
      "C:\\Users\\zoe\\AppData\\Roaming\\Claude\\claude_desktop_config.json",
    ]);
    expect(CLIENTS.cursor?.files(place)).toEqual(["C:\\Users\\zoe\\.cursor\\mcp.json"]);
  });
});

test("a command of up to two parts is one line, a longer one has a line for each", () => {
  expect(asShell([["a", "b c"], ["d"]], "linux").text).toBe("a 'b c' d");
  expect(shellCommand([["a"], ["b"], ["c"]], "linux")).toBe("a \\\n  b \\\n  c");
});
