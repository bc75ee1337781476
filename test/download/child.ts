import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { SCRATCH } from "../scratch.ts";
import { worker } from "./fixtures.ts";

export interface Child {
  process: ChildProcess;
  /** What the process wrote, once it has ended; undefined when it was killed. */
  result: Promise<{ first: Record<string, unknown>; second?: Record<string, unknown> } | undefined>;
}

/** Bundles the child's program. */
export async function buildChild(): Promise<{ program: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(SCRATCH, "store-child-"));
  const program = join(folder, "child.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("child-main.ts", import.meta.url))],
    outfile: program,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  return { program, remove: () => rm(folder, { recursive: true }) };
}

/** Saves the file at `url` into `folder` from a process of its own; `limit` is a shell command that runs before. */
export function startChild(
  program: string,
  { folder, url, limit = ":", mode = "" }: { folder: string; url: string; limit?: string; mode?: string },
): Child {
  const script = `${limit}; exec "$@"`;
  const args = ["-c", script, "sh", process.execPath, program, folder, url, worker.href, mode];
  const child = spawn("/bin/sh", args, { stdio: ["ignore", "pipe", "inherit"] });
  const output = text(child.stdout);
  const result = once(child, "exit").then(async () => {
    const written = await output;
    return written ? JSON.parse(written) : undefined;
  });
  return { process: child, result };
}
