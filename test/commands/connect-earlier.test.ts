import { mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { CLIENTS } from "../../src/commands/connect/clients.ts";
import { asShell, shellCommand } from "../../src/commands/connect/forms.ts";
import { BUILT, temporaryFolder } from "../fixtures.ts";
import { calledWith, connected, NAME } from "./connected.ts";

/** Writes a client's configuration that names the file as the server's. */
async function configured(
  client: string,
  file: string,
): Promise<{ home: string; configuration: string; text: string }> {
  const home = await temporaryFolder();
  const [configuration = ""] = CLIENTS[client]?.files({ home, platform: process.platform, env: {} }) ?? [];
  const json = JSON.stringify({ mcpServers: { [NAME]: { command: "node", args: [file] } } });
  const text = client === "codex" ? `[mcp_servers.${NAME}]\ncommand = "node"\nargs = ['${file}']\n` : json;
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
      `${configuration} names ${MOVED}, which is not there any more: the clone was moved or deleted.`,
    );
    expect(await readFile(configuration, "utf8")).toBe(text);
  },
);

test("another installation that is still there is named as such, and this one is not named at all", async () => {
  const other = join(await temporaryFolder(), "atlas-flex-snapshots-mcp.js");
  await writeFile(other, "");
  const { home } = await configured("gemini", other);
  expect((await connected(["gemini"], { home })).stderr).toContain(`names ${other}, which is another installation.`);
  const same = await configured("gemini", await realpath(BUILT));
  expect((await connected(["gemini"], same)).stderr).not.toContain("names");
});

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

  test("is not told to remove a server of one folder only", async () => {
    const home = await temporaryFolder();
    const local = { projects: { "/home/ann/shop": { mcpServers: { [NAME]: { command: "node", args: [MOVED] } } } } };
    await writeFile(join(home, ".claude.json"), JSON.stringify(local));
    const { stdout, stderr } = await connected(["claude-code", "--simulate"], { home });
    expect(stdout).not.toContain("remove");
    expect(stderr).toContain(MOVED);
  });
});

test("a configuration that cannot be read is named, with the reason", async () => {
  const home = await temporaryFolder();
  await mkdir(join(home, ".gemini/settings.json"), { recursive: true });
  const { code, stdout, stderr } = await connected(["gemini", "--simulate"], { home });
  expect({ code, hasLine: stdout.startsWith("gemini mcp add") }).toEqual({ code: 0, hasLine: true });
  expect(stderr).toMatch(
    /settings\.json cannot be read \(EISDIR\), so it is not known whether this server is in it already\./,
  );
});

test.each([
  ["/nonexistent/home", "ENOENT"],
  ["relative", "not an absolute path"],
])("the home folder %s gets a sentence that says what to set", { tags: "posix-paths" }, async (home, why) => {
  const { code, stderr } = await connected(["opencode", "--simulate", "--download-dir", "/data"], { home });
  expect(code).toBe(0);
  expect(stderr).toContain(
    `Your home folder ${home} cannot be read (${why}). Clients keep their configuration there: set HOME`,
  );
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

test("two commands stand in two lines, which every shell takes", () => {
  expect(asShell([[["a", "b c"]], [["d"]]], "linux").text).toBe("a 'b c'\nd");
  expect(shellCommand([["a"], ["b"], ["c"]], "linux")).toBe("a \\\n  b \\\n  c");
});
