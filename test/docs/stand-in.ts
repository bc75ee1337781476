import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** In place of npx: makes the call that the Inspector would make, with the server that the script names. */
const PROGRAM = `#!/usr/bin/env node
const { spawn } = require("node:child_process");
const words = process.argv.slice(2);
const after = (name) => words[words.indexOf(name) + 1];
const variables = words.flatMap((word, index) => (words[index - 1] === "-e" ? [word.split(/=(.*)/s).slice(0, 2)] : []));
const server = spawn(process.execPath, words.slice(words.indexOf("node") + 1, words.indexOf("--method")), {
  env: { ...process.env, ...Object.fromEntries(variables) },
  stdio: ["pipe", "pipe", "inherit"],
});
server.stdout.on("data", (chunk) => {
  process.stdout.write(chunk);
  if (chunk.includes("\\n")) server.stdin.end();
});
const params = { name: after("--tool-name"), arguments: JSON.parse(after("--tool-args-json")) };
server.stdin.write(JSON.stringify({ jsonrpc: "2.0", id: 1, method: after("--method"), params }) + "\\n");
`;

/** Puts a program called npx into the folder, for scripts that find it there first. */
export async function putNpxInto(folder: string): Promise<void> {
  await writeFile(join(folder, "npx"), PROGRAM, { mode: 0o755 });
}
