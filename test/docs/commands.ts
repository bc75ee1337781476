import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { commandsOf, PAGES, ROOT } from "./pages.ts";

export const COMMANDS = [...new Set(PAGES.flatMap((page) => commandsOf(page)))];

/** Commands that no test runs exactly as a page shows them, and why. */
export const ELSEWHERE: readonly [RegExp, string][] = [
  [/^npm install$/, "installs from a registry"],
  [/^npm (test|run (build|demo))$/, "builds while other tests use the built files"],
  [/^npm (pack|install --global)/, "test/packaging packs, installs and starts the package"],
  [
    /^((claude|codex|gemini|opencode|copilot) mcp add|code --add-mcp) /,
    "needs the client; its form has a test of its own",
  ],
  [/^(mongod|mongodump|mongorestore|docker) /, "needs other software"],
  [/^MONGODB_ATLAS_CLIENT_ID=/, "needs credentials; has a test of its own"],
  [/^\(umask 077;/, "reads a secret from the keyboard; has a test of its own"],
  [
    /^(sudo|sudoedit|systemctl|journalctl) /,
    "needs root and its scheduler; test/examples checks the files that it installs",
  ],
  [/^(mkdir -p|cp|open|launchctl|tail) /, "needs macOS; test/examples checks the file that it installs"],
  [/^(age|age-keygen|gh) /, "needs GitHub; test/examples checks the workflow"],
  [/^(mkdir|tar|gzip|sha256sum) /, "needs a saved file; has a test of its own"],
];

export const RUNNABLE = COMMANDS.filter((line) => !ELSEWHERE.some(([pattern]) => pattern.test(line)));

export interface Outcome {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a line of a page as a reader would, with only the given environment. */
export async function bash(
  line: string,
  { env = {}, cwd = ROOT, input = "" }: { env?: Record<string, string>; cwd?: string; input?: string } = {},
): Promise<Outcome> {
  const shell = spawn("bash", ["-c", line], { cwd, env: { PATH: process.env.PATH ?? "", ...env } });
  shell.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => shell.once("close", resolve));
  const [stdout, stderr, exitCode] = await Promise.all([text(shell.stdout), text(shell.stderr), ended]);
  return { exitCode, stdout, stderr };
}
