import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import * as z from "zod";
import { bash } from "../docs/commands.ts";
import { BUILT, temporaryFolder } from "../fixtures.ts";
import { runCommand } from "./command.ts";

/** What a client starts, however it was told. */
export const Start = z.object({
  command: z.string(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()).default({}),
});
export type Start = z.infer<typeof Start>;

export const NAME = "atlas-flex-snapshots";
const named = z.object({ [NAME]: Start }).transform((servers) => Start.parse(servers[NAME]));

/** The server of the JSON that a person pastes. */
export function pasted(text: string): Start {
  return z.object({ mcpServers: named }).parse(JSON.parse(text)).mcpServers;
}

/** Runs what was printed in bash, with a stand-in for the client that notes its words; returns those of each call. */
export async function calledWith(program: string, printed: string): Promise<string[][]> {
  const folder = await temporaryFolder();
  const noted = join(folder, "noted");
  const script = `#!/usr/bin/env node\nrequire("node:fs").appendFileSync(${JSON.stringify(noted)}, JSON.stringify(process.argv.slice(2)) + "\\n");\n`;
  await writeFile(join(folder, program), script, { mode: 0o755 });
  const outcome = await bash(printed, { env: { PATH: [folder, process.env.PATH].join(delimiter) } });
  if (outcome.exitCode !== 0) throw new Error(`The shell refused the lines: ${outcome.stderr}`);
  const lines = (await readFile(noted, "utf8")).trim().split("\n");
  return lines.map((line) => z.array(z.string()).parse(JSON.parse(line)));
}

/** What `<client> mcp add` would start: variables stand after `--env` or `-e`, the program after the name and the dashes. */
export function added(words: readonly string[]): Start {
  const dashes = words.indexOf("--");
  const before = words.slice(words.indexOf(NAME) + 1, dashes).filter((word) => !/^--env$|=/.test(word));
  const [command = "", ...args] = [...before, ...words.slice(dashes + 1)];
  const env = words.flatMap((word, index) =>
    /^(--env|-e)$/.test(words[index - 1] ?? "") ? [word.split(/=(.*)/s)] : [],
  );
  return { command, args, env: Object.fromEntries(env.map(([name = "", value = ""]) => [name, value])) };
}

/** The answer of `connect` in a home of its own. */
export async function connected(
  words: readonly string[],
  more: { env?: Record<string, string>; home?: string; cwd?: string } = {},
) {
  const home = more.home ?? (await temporaryFolder());
  const env = { ATLAS_FLEX_DOWNLOAD_DIR: "", USERPROFILE: home, ...more.env };
  return runCommand({ home, args: ["connect", ...words], env, ...(more.cwd ? { cwd: more.cwd } : {}) });
}

/** A copy of the built server in a folder of this name. */
export async function installedIn(name: string): Promise<string> {
  const folder = join(await temporaryFolder(), name);
  await mkdir(folder, { recursive: true });
  await cp(dirname(BUILT), join(folder, "dist"), { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  return join(folder, "dist", "atlas-flex-snapshots-mcp.js");
}
