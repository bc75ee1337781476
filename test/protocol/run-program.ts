import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach } from "vitest";

const folder = mkdtemp(join(tmpdir(), "protocol-"));
const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});
afterAll(async () => rm(await folder, { recursive: true }));

/** Bundles a program of test/protocol/programs the way the product is bundled; returns the path of the built file. */
export async function buildProgram(name: string): Promise<string> {
  const outfile = join(await folder, `${name}.mjs`);
  await build({
    entryPoints: [join(import.meta.dirname, "programs", `${name}.ts`)],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  return outfile;
}

/** Runs a built program with pipes; it is killed after the test that started it. */
export function runProgram(file: string, ...args: string[]) {
  const child = spawn(process.execPath, [file, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  const output = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      for (const look of waiting) look();
    });
  }
  // A program that ends before it read everything breaks the pipe; the tests look at how it ended instead.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });

  /** Resolves when the text appeared on the stream. */
  const saw = (name: "stdout" | "stderr", text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!output[name].includes(text)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { child, output, ended, saw };
}
