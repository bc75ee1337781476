// Installs real hosts from npm, runs in each exactly what the command `connect` prints for it, and expects the host's own words
// that the server is connected. Each host has a home of its own. Arguments choose hosts by the names that `connect` knows.
import "./node-version.mjs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { startScriptedModel } from "./hosts/scripted-model.mjs";
import { cacheFolder, npm, root, run } from "./nodes.mjs";

const SERVER = "atlas-flex-snapshots";
const BUILT = join(root, "dist/atlas-flex-snapshots-mcp.js");
const LIMIT_MS = 180_000;
const PROMPT = "Save the newest backup of the cluster orders.";

/** Kept between runs: the packages. The homes are new each time; their path has a blank and an umlaut, as those of people do. */
const folder = cacheFolder("hosts");
const homes = join(folder, "Homes für alle");

const connected = (line) =>
  line.includes(SERVER) && /\bconnected\b/i.test(line) && !/not connected|disconnected/i.test(line);

/** What Codex needs beyond the printed line, as the page on clients has it. */
async function approvalLines() {
  const page = await readFile(join(root, "docs/clients.md"), "utf8");
  const [, lines = ""] = /^## Codex\n[\s\S]*?```toml\n([\s\S]*?approval_mode[\s\S]*?)```/m.exec(page) ?? [];
  return lines.replace(/^ +/gm, "");
}

/** Talks to the host until the scripted model has had a backup saved; returns the path of the file. */
async function conversation(host, words, env = () => ({})) {
  const model = await startScriptedModel({ tool: "save_flex_snapshot", args: { name: "orders" } });
  try {
    const [program, ...rest] = words(model.url);
    const { stdout } = await host.run(program, rest, env(model.url));
    const [, path] = /"path":\s*"([^"]+\.tgz)"/.exec(stdout.replaceAll(/\\"/g, '"').replaceAll("\n", "")) ?? [];
    if (path === undefined) throw new Error(`no file was saved: ${stdout.slice(-600)}`);
    return `the tool save_flex_snapshot answered with ${path}`;
  } finally {
    model.close();
  }
}

/** By the name that `connect` knows. `list` asks the host for its servers; `isConnected` judges a line of its answer. */
const HOSTS = {
  "claude-code": { package: "@anthropic-ai/claude-code", program: "claude", isConnected: connected },
  codex: {
    package: "@openai/codex",
    program: "codex",
    // Codex lists what is configured; only a conversation starts the server.
    isConnected: (line) => line.startsWith(SERVER) && line.includes("enabled"),
    async beyond(host) {
      const configuration = join(host.home, ".codex/config.toml");
      await writeFile(configuration, `\n${await approvalLines()}`, { flag: "a" });
      return conversation(host, (url) => [
        "codex",
        ...["exec", "--skip-git-repo-check", "-c", 'model_provider="scripted"', "-m", "scripted"],
        ...["-c", `model_providers.scripted={name="scripted",base_url="${url}",wire_api="responses"}`, PROMPT],
      ]);
    },
  },
  gemini: {
    package: "@google/gemini-cli",
    program: "gemini",
    isConnected: connected,
    trusted: { GEMINI_CLI_TRUST_WORKSPACE: "true" },
    // That the page on clients says so must stay true.
    untrusted: (line) => line.includes(SERVER) && line.includes("Disabled"),
  },
  opencode: { package: "opencode-ai", program: "opencode", isConnected: connected },
  copilot: {
    package: "@github/copilot",
    program: "copilot",
    // Copilot CLI lists what is configured; only a conversation starts the server.
    isConnected: (line) => line.includes(SERVER),
    beyond: (host) =>
      conversation(
        host,
        () => ["copilot", "-p", PROMPT, `--allow-tool=${SERVER}`],
        (url) => ({
          COPILOT_OFFLINE: "true",
          COPILOT_PROVIDER_BASE_URL: url,
          COPILOT_PROVIDER_WIRE_API: "responses",
          COPILOT_PROVIDER_API_KEY: "scripted",
          COPILOT_MODEL: "gpt-5.4",
        }),
      ),
  },
};

const say = (line) => process.stdout.write(`${line}\n`);
const lastLines = (text) => text.trim().split("\n").slice(-4).join(" ");

/** A way to run programs as a user of this host would. */
async function hostOf(name, { program }) {
  const home = join(homes, name);
  const work = join(home, "work");
  await mkdir(work, { recursive: true });
  const bin = join(folder, name, "node_modules", ".bin");
  const PATH = [bin, dirname(process.execPath), process.env.PATH].join(delimiter);
  return {
    home,
    async run(command, args, more = {}) {
      const env = { PATH, HOME: home, TERM: "dumb", NO_COLOR: "1", LANG: "C.UTF-8", ...more };
      const child = run(command, args, { cwd: work, env, timeout: LIMIT_MS, maxBuffer: 2 ** 26 });
      child.child.stdin.end();
      const { stdout, stderr } = await child;
      return { stdout: stripVTControlCharacters(stdout), stderr: stripVTControlCharacters(stderr) };
    },
    program,
  };
}

function expectLine({ stdout, stderr }, isWanted) {
  const text = `${stdout}\n${stderr}`;
  const line = text.split("\n").find((candidate) => isWanted(candidate));
  if (line === undefined) throw new Error(`its list says: ${lastLines(text)}`);
  return line.trim();
}

async function install(name, { package: packageName }) {
  const place = join(folder, name);
  await mkdir(place, { recursive: true });
  await npm(["install", "--prefix", place, `${packageName}@latest`], place);
}

/** Connects the host, and returns what it printed. */
async function tryOut(name, kind) {
  const host = await hostOf(name, kind);
  const { stdout: version } = await host.run(kind.program, ["--version"]);
  say(`\n${name} ${/[\d.]+\d/.exec(version)?.[0] ?? version.trim()}`);
  const { stdout: line } = await host.run(process.execPath, [BUILT, "connect", name, "--simulate"]);
  say(
    line
      .trim()
      .replace(/^/gm, "  $ ")
      .replace(/^ {2}\$ {3}/gm, "      "),
  );
  await host.run("sh", ["-c", line]);
  const list = (more) => host.run(kind.program, ["mcp", "list"], more);
  if (kind.untrusted) say(`  ${expectLine(await list(), kind.untrusted)}   (folder not trusted)`);
  say(`  ${expectLine(await list(kind.trusted), kind.isConnected)}`);
  if (kind.beyond) say(`  ${await kind.beyond(host)}`);
}

const chosen = process.argv.slice(2);
const strangers = chosen.filter((name) => !Object.hasOwn(HOSTS, name));
if (strangers.length > 0) {
  say(`No such host: ${strangers.join(", ")}. There are ${Object.keys(HOSTS).join(", ")}.`);
  process.exit(2);
}
const count = { connected: 0, failed: 0, "not run": 0 };
await rm(homes, { recursive: true, force: true });
for (const [name, kind] of Object.entries(HOSTS).filter(([name]) => chosen.length === 0 || chosen.includes(name))) {
  try {
    await install(name, kind);
  } catch (error) {
    count["not run"] += 1;
    const [, reason = lastLines(error.message)] = /^npm error (?:code|network) (.*)$/m.exec(error.stderr ?? "") ?? [];
    say(`\n${name} NOT RUN: npm could not install it: ${reason}`);
    continue;
  }
  try {
    await tryOut(name, kind);
    count.connected += 1;
  } catch (error) {
    count.failed += 1;
    say(`  FAILED: ${error.message} ${lastLines(`${error.stdout ?? ""}\n${error.stderr ?? ""}`)}`);
  }
}
say(
  `\n${Object.entries(count)
    .map(([what, hosts]) => `${hosts} ${what}`)
    .join(", ")}`,
);
process.exitCode = count.failed > 0 || count.connected === 0 ? 1 : 0;
