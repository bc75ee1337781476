// The MCP clients that `connect` knows: what to run or paste in each, where it goes, and what the client needs beyond.
import path from "node:path";
import type { Environment } from "../../config/setting-text.ts";
import { addingWith, asShell, geminiAdding, mcpServers, NAME, type Printed, vsCode } from "./forms.ts";
import type { Start } from "./start.ts";

/** What decides where a client keeps its configuration. */
export interface Place {
  home: string;
  platform: NodeJS.Platform;
  env: Environment;
  /** The current folder, if there is one. */
  folder?: string | undefined;
}

export interface Client {
  title: string;
  /** Other names that people type. */
  aliases: readonly string[];
  /** Which version was run with this form, on Linux; absent where only the vendor's documentation was read. */
  tried?: string;
  print: (start: Start, platform: NodeJS.Platform) => Printed;
  /** The client's configuration for every folder; the first is where it writes. Nothing here writes to it. */
  files: (place: Place) => readonly string[];
  /** The key of these files that holds the servers. */
  servers: string;
  /** What wins over them while the client runs in the current folder: a file there, and the words that remove the server from it. */
  inFolder?: { file: readonly string[]; remove?: readonly string[] };
  /** The key of these files that holds what counts for single folders only, and the words that remove the server from one. */
  folders?: { key: string; remove: readonly string[] };
  /** What to do with JSON where the usual words do not fit; a command needs none. */
  paste?: string;
  /** The words that remove the server, where the client refuses a name that it has. */
  remove?: readonly string[];
  /** What to do before it works, beside the form. */
  first: readonly string[];
  /** For the documentation: heading and text. */
  notes: Readonly<Record<"Trust" | "Approval" | "Long calls" | "Log" | "Progress", string>> & {
    readonly View?: string;
  };
}

const SAVE = "save_flex_snapshot";

/** The path rules of the system. */
const pathsOf = (platform: NodeJS.Platform) => (platform === "win32" ? path.win32 : path.posix);

const inHome =
  (...names: string[]) =>
  ({ home, platform }: Place): string =>
    pathsOf(platform).join(home, ...names);

/** In the folder that a variable names, else in one of the home folder. */
const inFolderOf =
  (variable: string, folder: string, name: string) =>
  (place: Place): string[] => {
    const { [variable]: chosen } = place.env;
    return [chosen ? pathsOf(place.platform).join(chosen, name) : inHome(folder, name)(place)];
  };

/** Where an application keeps its data on each system. */
function inAppData(place: Place, ...names: string[]): string {
  const { platform, env } = place;
  if (platform === "win32")
    return env.APPDATA ? path.win32.join(env.APPDATA, ...names) : inHome("AppData", "Roaming", ...names)(place);
  if (platform === "darwin") return inHome("Library", "Application Support", ...names)(place);
  return inConfig(place, ...names);
}

function inConfig(place: Place, ...names: string[]): string {
  const { XDG_CONFIG_HOME } = place.env;
  return XDG_CONFIG_HOME ? pathsOf(place.platform).join(XDG_CONFIG_HOME, ...names) : inHome(".config", ...names)(place);
}

/** For clients that show views of MCP Apps, by their vendors' documentation. */
const VIEW =
  "It shows [the view of a save](view.md) by its vendor's documentation; not tried. Where the frame stays blank, set `ATLAS_FLEX_VIEW=false`";
const NOT_TRIED = "Not tried.";

/** By the name that is typed, in the order of the list. */
export const CLIENTS: Readonly<Record<string, Client>> = {
  "claude-desktop": {
    title: "Claude Desktop",
    aliases: ["desktop", "claude-app"],
    print: mcpServers,
    files: (place) => [inAppData(place, "Claude", "claude_desktop_config.json")],
    servers: "mcpServers",
    paste:
      "Settings > Developer > Edit Config opens the file. If it has mcpServers, add only the entry to it. Then restart Claude Desktop.",
    first: [
      "Instead, `npm run mcpb` in the clone writes a bundle (.mcpb) that Claude Desktop installs; its form keeps the secret in the system's key store. Use one of the two ways.",
    ],
    notes: {
      Trust:
        "The bundle is not signed. Claude Desktop says that it cannot verify who made it, and asks before it installs it. An organization may forbid such bundles; the JSON works then, if local servers are allowed.",
      Approval: "Claude Desktop asks before a tool runs, once or always, for each tool.",
      "Long calls":
        "Calls are cut after about 60 seconds, on Windows 240. Leave `ATLAS_FLEX_MAX_WAIT_SECONDS` as it is: the download continues between calls.",
      Log: "`mcp-server-atlas-flex-snapshots.log` in `~/Library/Logs/Claude` (macOS) or `%APPDATA%\\Claude\\logs` (Windows).",
      Progress: NOT_TRIED,
      View: `${VIEW}, or turn off "Show saves live" in the form of the bundle.`,
    },
  },
  "claude-code": {
    title: "Claude Code",
    aliases: ["claude"],
    tried: "2.1.332",
    print: (start, platform) => asShell(addingWith("claude", "mcp", "add", "-s", "user")(start), platform),
    files: inFolderOf("CLAUDE_CONFIG_DIR", "", ".claude.json"),
    servers: "mcpServers",
    inFolder: { file: [".mcp.json"], remove: ["claude", "mcp", "remove", "-s", "project", NAME] },
    folders: { key: "projects", remove: ["claude", "mcp", "remove", "-s", "local", NAME] },
    remove: ["claude", "mcp", "remove", "-s", "user", NAME],
    first: ["`claude mcp list` then says Connected. In a session, `/mcp` shows the tools."],
    notes: {
      Trust:
        "Because of `-s user`, the server is there in every folder. An entry for one folder (`-s local`, or `.mcp.json`) wins there; `connect` names it, with the line that removes it.",
      Approval: `Claude Code asks before each tool, once or always. \`claude -p\` cannot ask: allow what it may use, such as \`--allowedTools mcp__${NAME}__${SAVE}\`.`,
      "Long calls":
        "Its limit of 300 seconds begins again with each progress message, and this server sends one at least every 15 seconds. With `ATLAS_FLEX_MAX_WAIT_SECONDS=3600`, a long download is one call.",
      Log: "`claude --debug`. On Linux also the folders `mcp-logs-atlas-flex-snapshots` in `~/.cache/claude-cli-nodejs`.",
      Progress: "Shown under the running call.",
    },
  },
  cursor: {
    title: "Cursor",
    aliases: [],
    print: mcpServers,
    files: (place) => [inHome(".cursor", "mcp.json")(place)],
    servers: "mcpServers",
    inFolder: { file: [".cursor", "mcp.json"] },
    paste:
      "If the file has mcpServers, add only the entry to it. Cursor then lists the server in its settings, under MCP, where it can be turned on.",
    first: [],
    notes: {
      Trust: "A file `.cursor/mcp.json` in a project adds servers for that project only.",
      Approval: "Cursor asks before a tool runs, unless its settings allow tools to run by themselves.",
      "Long calls": "Its limit was not measured. Leave `ATLAS_FLEX_MAX_WAIT_SECONDS` as it is.",
      Log: 'The panel Output, with "MCP Logs" chosen in its list.',
      Progress: NOT_TRIED,
      View: `${VIEW}.`,
    },
  },
  vscode: {
    title: "VS Code",
    aliases: ["code", "vs-code", "visual-studio-code"],
    print: vsCode,
    files: (place) => [inAppData(place, "Code", "User", "mcp.json")],
    servers: "servers",
    paste:
      'The command "MCP: Open User Configuration" opens the file. If it has servers or inputs, add only the entries to them.',
    first: [
      'VS Code then asks whether you trust the server. If it does not ask: "MCP: List Servers", then the server, then "Start Server".',
      "If the terminal does not find code: \"Shell Command: Install 'code' command in PATH\" in VS Code.",
    ],
    notes: {
      Trust:
        "VS Code asks once whether you trust the server, and does not start it before. It asks for the secret too, and keeps it; it does not ask if `MONGODB_ATLAS_CLIENT_SECRET_FILE` is set when you connect.",
      Approval:
        "VS Code asks before it runs a tool that is not marked as reading only; the answer can hold for the session, the folder or always.",
      "Long calls": "Its limit was not measured. Leave `ATLAS_FLEX_MAX_WAIT_SECONDS` as it is.",
      Log: 'The command "MCP: List Servers", then the server, then "Show Output".',
      Progress: NOT_TRIED,
      View: "Version 1.138 shows no [view of a save](view.md), by a public report; not tried.",
    },
  },
  codex: {
    title: "Codex",
    aliases: ["openai-codex"],
    tried: "0.171.0",
    print: (start, platform) => asShell(addingWith("codex", "mcp", "add")(start), platform),
    files: inFolderOf("CODEX_HOME", ".codex", "config.toml"),
    servers: "mcp_servers",
    first: [
      `In a session, Codex asks before a tool writes. \`codex exec\` cannot ask and refuses. For it, add two lines to \`~/.codex/config.toml\` after the line above has run: \`[mcp_servers.${NAME}.tools.${SAVE}]\` and \`approval_mode = "approve"\`. Without the server, Codex does not start with them.`,
    ],
    notes: {
      Trust:
        "The server is there in every folder; a project's own `.codex/config.toml` counts only if Codex trusts the project.",
      Approval: `In a session, Codex asks before a tool that writes. \`codex exec\` cannot ask and refuses the call. This allows one tool, in \`~/.codex/config.toml\`, below the server; \`codex mcp add\` removes these lines, so add them again after it:\n\n  \`\`\`toml\n  [mcp_servers.${NAME}.tools.${SAVE}]\n  approval_mode = "approve"\n  \`\`\``,
      "Long calls": `Its limit is \`tool_timeout_sec\` of \`[mcp_servers.${NAME}]\`. To make a long download one call, set it to 3700 and \`ATLAS_FLEX_MAX_WAIT_SECONDS\` to 3600.`,
      Log: "`RUST_LOG=debug codex exec …` prints it. In a session, `/mcp` shows the servers and their tools.",
      Progress: "Not shown by the Codex app.",
    },
  },
  gemini: {
    title: "Gemini CLI",
    aliases: ["gemini-cli"],
    tried: "0.61.0",
    print: geminiAdding,
    files: (place) => [inHome(".gemini", "settings.json")(place)],
    servers: "mcpServers",
    inFolder: { file: [".gemini", "settings.json"], remove: ["gemini", "mcp", "remove", "-s", "project", NAME] },
    first: [
      "Gemini CLI starts no server in a folder that it does not trust (`gemini mcp list`: Disabled). Run `gemini` in the folder and trust it; `--skip-trust` does that for one run. To look: `GEMINI_CLI_TRUST_WORKSPACE=true gemini mcp list`.",
    ],
    notes: {
      Trust:
        "In a folder that is not trusted, every server is Disabled, also those of the user. Run `gemini` there and choose to trust the folder, or start it with `--skip-trust`, which holds for one run. To look at the servers: `GEMINI_CLI_TRUST_WORKSPACE=true gemini mcp list`.",
      Approval: `Gemini CLI asks before each tool, once or always. \`gemini -p\` cannot ask, and hides the tools from the model unless you add \`--allowed-mcp-server-names ${NAME}\`, which lets all of them run.`,
      "Long calls":
        "Its limit is `timeout` (milliseconds) of the server in `~/.gemini/settings.json`; the default is 10 minutes. With `ATLAS_FLEX_MAX_WAIT_SECONDS=540`, most downloads are one call.",
      Log: "`gemini --debug`; in a session, F12 opens the console and `/mcp` shows the tools.",
      Progress: "Shown under the running call.",
    },
  },
  opencode: {
    title: "opencode",
    aliases: ["open-code"],
    tried: "1.18.33",
    print: (start, platform) => asShell(addingWith("opencode", "mcp", "add")(start), platform),
    files: (place) => ["opencode.jsonc", "opencode.json"].map((name) => inConfig(place, "opencode", name)),
    servers: "mcp",
    first: [
      "`opencode mcp list` then says connected. Older versions of opencode ask for each part instead: update it first.",
    ],
    notes: {
      Trust:
        "The server is there in every folder. opencode does not read `mcpServers`: it has a form of its own, which its command writes.",
      Approval: 'opencode runs tools without asking, unless `permission` in its configuration says "ask".',
      "Long calls":
        "Its limit is `timeout` (milliseconds) of the server in its configuration. Leave `ATLAS_FLEX_MAX_WAIT_SECONDS` as it is, or raise both.",
      Log: "`opencode --print-logs --log-level DEBUG`, or the files in `~/.local/share/opencode/log`.",
      Progress: NOT_TRIED,
    },
  },
  copilot: {
    title: "Copilot CLI",
    aliases: ["copilot-cli", "github-copilot"],
    tried: "1.0.102",
    print: (start, platform) => asShell(addingWith("copilot", "mcp", "add")(start), platform),
    files: inFolderOf("COPILOT_HOME", ".copilot", "mcp-config.json"),
    servers: "mcpServers",
    remove: ["copilot", "mcp", "remove", NAME],
    first: ["`copilot mcp list` then names the server. In a session, `/mcp show` says whether it runs."],
    notes: {
      Trust: "At its start, Copilot CLI asks whether you trust the folder. The server is there in every folder.",
      Approval: `Copilot CLI asks before each tool. \`copilot -p\` cannot ask: add \`--allow-tool='${NAME}'\`.`,
      "Long calls":
        "Its limit is set by `--timeout` (milliseconds) of `copilot mcp add`. Leave `ATLAS_FLEX_MAX_WAIT_SECONDS` as it is, or raise both.",
      Log: "The files in `~/.copilot/logs`; `--log-level debug` makes them longer.",
      Progress: NOT_TRIED,
    },
  },
  generic: {
    title: "Other clients",
    aliases: ["other", "json"],
    print: mcpServers,
    files: () => [],
    servers: "mcpServers",
    paste:
      "Most MCP clients read this form. Where a client has a form of its own, it needs the same parts: a server on stdio, the command, its arguments and its environment.",
    first: [],
    notes: {
      Trust: "Look for a setting that limits servers to a folder or a project, and choose the one for all of them.",
      Approval: "A client that cannot ask a person must be told that the tools that write may run.",
      "Long calls":
        "Every call ends within 50 seconds. Raise `ATLAS_FLEX_MAX_WAIT_SECONDS` only for a client whose limit is longer, or begins again with each progress message.",
      Log: "The server logs to standard error; most clients keep that in a file.",
      Progress: "Sent to clients that ask for it.",
    },
  },
};
