import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { ROOT } from "./pages.ts";

export interface Outcome {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs one line of a page as a reader would, with only the environment that is given. */
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
