import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect } from "vitest";
import { SCRATCH } from "../scratch.ts";
import { type Behaviour, type RemoteFile, serve, startFaultServer } from "./fault-server.ts";
import {
  defaultName,
  facts,
  hashOf,
  identity,
  limits,
  namesIn,
  openStore,
  readJsonFile,
  saveTo,
  sha256,
  sourceOf,
  worker,
} from "./fixtures.ts";

export interface Child {
  process: ChildProcess;
  /** The output of the process when it ends; undefined when it was killed. */
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

/** Saves the file at `url` into `folder` in a process of its own; `limit` is a shell command that runs before. */
export function startChild(
  program: string,
  { folder, url, limit = ":", mode = "" }: { folder: string; url: string; limit?: string; mode?: string },
): Child {
  const script = `${limit}; exec "$@"`;
  const order = JSON.stringify({ folder, url, mode, worker, identity, facts, limits });
  const args = ["-c", script, "sh", process.execPath, program, order];
  const child = spawn("/bin/sh", args, { stdio: ["ignore", "pipe", "inherit"] });
  const output = text(child.stdout);
  const result = once(child, "exit").then(async () => {
    const written = await output;
    return written ? JSON.parse(written) : undefined;
  });
  return { process: child, result };
}

/**
 * Kills a process after the file host has sent `share` of the file, then continues in this process. That transfer must begin
 * exactly at the bytes that the dead process had committed, and end with the host's bytes.
 */
export async function killAndContinue(file: RemoteFile, share: number, folder: string, program: string): Promise<void> {
  const stopAt = Math.floor(file.bytes.length * share);
  const honest = serve(file, { trickle: { bytes: 128 * 1024, ms: 4 } });
  const killing: Behaviour = async (request, socket) => {
    const write = socket.write.bind(socket);
    let sent = 0;
    socket.write = (chunk: Uint8Array | string) => {
      sent += chunk.length;
      if (sent > stopAt) child.process.kill("SIGKILL");
      return write(chunk);
    };
    await honest(request, socket);
  };
  const server = await startFaultServer(killing);
  const child = startChild(program, { folder, url: server.url });
  const result = await child.result;
  try {
    expect(result).toBeUndefined();
    const names = await namesIn(folder);
    const committed = names.includes(`${defaultName}.part.json`)
      ? Number((await readJsonFile(folder, `${defaultName}.part.json`)).committedBytes)
      : 0;
    if (committed > 0) {
      expect((await stat(join(folder, `${defaultName}.part`))).size).toBeGreaterThanOrEqual(committed);
    }
    server.script(serve(file));
    const store = openStore(folder, { source: sourceOf(server.url) });
    expect(await saveTo(store)).toMatchObject({ state: "complete" });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
    expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
    const range = server.requests[1]?.headers.range;
    if (server.requests.length > 1) expect(range).toBe(committed > 0 ? `bytes=${committed}-` : undefined);
  } finally {
    await server.close();
  }
}
