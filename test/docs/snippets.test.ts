import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CLIENTS } from "../../src/commands/connect/clients.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { added, calledWith, pasted, Start } from "../commands/connected.ts";
import { connect, temporaryFolder } from "../fixtures.ts";
import { CLONE, PAGES, pageOf, ROOT } from "./pages.ts";

const page = pageOf("docs/clients.md");

/** The first block of each client's section. */
function blockOf(title: string): { language: string; code: string } {
  const [, section = ""] = page.text.split(`\n## ${title}\n`);
  const [, language = "", code = ""] = /^```(\w+)\n([\s\S]*?)^```$/m.exec(section) ?? [];
  return { language, code };
}

/** What the client starts that is given the block. */
async function startOf({ language, code }: { language: string; code: string }): Promise<Start> {
  if (language === "json") return pasted(code);
  const program = code.split(" ")[0] ?? "";
  const [words = []] = await calledWith(program, code);
  return program === "code" ? Start.parse(JSON.parse(words[1] ?? "")) : added(words);
}

test("every client has a section with what connect prints, and the notes of the table", () => {
  for (const { title, notes } of Object.values(CLIENTS)) {
    expect(blockOf(title).code, title).not.toBe("");
    const [, section = ""] = page.text.split(`\n## ${title}\n`);
    for (const heading of Object.keys(notes)) expect(section.split("\n## ")[0], title).toContain(`- **${heading}.** `);
  }
});

describe("the example of a client", { tags: "shell" }, () => {
  test.each(Object.values(CLIENTS))(
    "$title starts the clone's file, which has its credentials and lists its tools",
    async (client) => {
      const { command, args, env } = await startOf(blockOf(client.title));
      expect([command, ...args]).toEqual(["node", `${CLONE}/dist/atlas-flex-snapshots-mcp.js`]);
      const home = await temporaryFolder();
      const secret = join(home, "secret");
      await writeFile(secret, "mdb_sa_sk_1234567890", { mode: 0o600 });
      const inPlace = (text: string) =>
        text
          .replace(CLONE, ROOT)
          .replace("/path/to/secret", secret)
          .replace(/\$\{input:.*\}/, "mdb_sa_sk_1234567890")
          .replaceAll("_…", "_0123456789");
      const filled = Object.entries(env).map(([name, value]) => [name, inPlace(value)]);
      const server = await connect({
        command,
        args: args.map(inPlace),
        env: { PATH: process.env.PATH ?? "", HOME: home, ...Object.fromEntries(filled) },
      });
      const { tools } = await server.client.listTools();
      await server.client.close();
      expect(tools.map(({ name }) => name)).toEqual(TOOLS.map(({ name }) => name));
      await expect.poll(server.log).toContain('"credentials":"service-account"');
      expect(server.log()).not.toMatch(/"level":[45]0/);
    },
  );
});

test("no page starts the server by a name that a stranger could publish", () => {
  for (const { path, fences } of PAGES)
    for (const { code } of fences) expect(code, path).not.toMatch(/npx\b.*atlas-flex-snapshots-mcp/);
});
