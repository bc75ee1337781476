import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { TOOLS } from "../../src/tools/index.ts";
import { connect, temporaryFolder } from "../fixtures.ts";
import { CLONE, commandsOf, pageOf, ROOT } from "./pages.ts";

const readme = pageOf("README.md");
const fences = [readme, pageOf("docs/setup.md")].flatMap((page) => page.fences);

const Start = z.strictObject({
  type: z.literal("stdio").optional(),
  command: z.string(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
});
type Start = z.infer<typeof Start>;

const byName = z.strictObject({ "atlas-flex-snapshots": Start });
const McpServers = z.strictObject({ mcpServers: byName }).transform(({ mcpServers }) => mcpServers);
const VsCode = z
  .strictObject({
    inputs: z.array(
      z.strictObject({ id: z.string(), type: z.string(), password: z.boolean(), description: z.string() }),
    ),
    servers: byName,
  })
  .transform(({ servers }) => servers);

function fromJson(): Start[] {
  return fences
    .filter(({ language }) => language === "json")
    .map(({ code }) => z.union([McpServers, VsCode]).parse(JSON.parse(code))["atlas-flex-snapshots"]);
}

function fromToml(): Start[] {
  return fences
    .filter(({ language }) => language === "toml")
    .map(({ code }) => z.strictObject({ "mcp_servers.atlas-flex-snapshots": Start }).parse(parseToml(code)))
    .map((tables) => tables["mcp_servers.atlas-flex-snapshots"]);
}

const VALUE = /"[^"\\]*"|\[(?:"[^"\\]*"(?:, )?)*\]/;
const PAIR = new RegExp(`^([\\w-]+) = (${VALUE.source}|\\{ .* \\})$`);

/** Parses the TOML that the pages use: tables of strings, lists and inline tables, by dotted name. Throws on anything else. */
function parseToml(text: string): Record<string, Record<string, unknown>> {
  const tables: Record<string, Record<string, unknown>> = {};
  let table: Record<string, unknown> | undefined;
  for (const line of text.split("\n").filter((candidate) => candidate.trim() !== "")) {
    const [, name] = /^\[([\w-]+(?:\.[\w-]+)*)\]$/.exec(line) ?? [];
    if (name !== undefined) {
      if (Object.hasOwn(tables, name)) throw new Error(`The table ${name} occurs twice`);
      table = {};
      tables[name] = table;
      continue;
    }
    if (!table) throw new Error(`Outside of a table: ${line}`);
    Object.assign(table, parsePair(line));
  }
  return tables;
}

function parsePair(text: string): Record<string, unknown> {
  const [, key, value] = PAIR.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new Error(`Not understood: ${text}`);
  if (!value.startsWith("{")) return { [key]: JSON.parse(value) };
  return { [key]: Object.assign({}, ...value.slice(2, -2).split(", ").map(parsePair)) };
}

/** `<client> mcp add <options> <name> [--] <command>`: options precede the name, variables follow --env or -e. */
function fromCommand(line: string): Start {
  const [, options = "", start = ""] = /^\w+ mcp add (.*) atlas-flex-snapshots(?: --)? (node .*)$/.exec(line) ?? [];
  const [command = "", ...args] = start.split(" ");
  const variables = [...options.matchAll(/(?:--env|-e) (\w+)=(\S+)/g)].map(([, name = "", value = ""]) => [
    name,
    value,
  ]);
  return Start.parse({ command, args, env: Object.fromEntries(variables) });
}

const clients = commandsOf(readme).filter((line) => / mcp add /.test(line));

const snippets: [string, Start][] = [
  ...fromJson().map((start, index): [string, Start] => [`JSON ${index + 1}`, start]),
  ...fromToml().map((start): [string, Start] => ["TOML", start]),
  ...clients.map((line): [string, Start] => [line.split(" ")[0] ?? "", fromCommand(line)]),
];

test("there are two snippets in JSON, one in TOML and two commands", () => {
  expect(snippets.map(([name]) => name)).toEqual(["JSON 1", "JSON 2", "TOML", "claude", "gemini"]);
});

test.each(snippets)(
  "%s: the server that the snippet starts has its credentials and answers tools/list",
  async (_, snippet) => {
    const home = await temporaryFolder();
    const secret = join(home, "secret");
    await writeFile(secret, "mdb_sa_sk_1234567890", { mode: 0o600 });
    const inPlace = (text: string) =>
      text
        .replace(CLONE, ROOT)
        .replace("/path/to/secret", secret)
        .replace("${input:atlas-secret}", "mdb_sa_sk_1234567890")
        .replaceAll("_…", "_0123456789");
    const env = Object.entries(snippet.env).map(([name, value]) => [name, inPlace(value)]);
    const { client, log } = await connect({
      command: snippet.command,
      args: snippet.args.map(inPlace),
      env: { PATH: process.env.PATH ?? "", HOME: home, ...Object.fromEntries(env) },
    });
    const { tools } = await client.listTools();
    await client.close();
    expect(tools.map(({ name }) => name)).toEqual(TOOLS.map(({ name }) => name));
    expect(log()).toContain('"credentials":"service-account"');
    expect(log()).not.toMatch(/"level":[45]0/);
  },
);

test("every snippet starts the clone's file, not a package that a stranger could publish", () => {
  for (const [name, { command, args }] of snippets)
    expect([command, ...args], name).toEqual(["node", `${CLONE}/dist/atlas-flex-snapshots-mcp.js`]);
  for (const { code } of readme.fences) expect(code).not.toMatch(/npx\b.*atlas-flex-snapshots-mcp/);
});
