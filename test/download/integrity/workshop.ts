import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll } from "vitest";
import { startArchiveCheck } from "../../../src/download/integrity/archive-check.ts";
import { examineArchive } from "../../../src/download/integrity/examine.ts";
import type { UnpackLimits } from "../../../src/download/integrity/protocol.ts";

const GENEROUS: UnpackLimits = { maxUnpackedBytes: 1e12, maxRatio: 2000, ratioFreeBytes: 1e12 };

/** A folder of archives and a built worker, for one test file. */
export function workshop() {
  let folder = "";
  let files = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "archive-check-"));
    await build({
      entryPoints: [join(import.meta.dirname, "../../../src/download/integrity/worker.ts")],
      outfile: join(folder, "worker.mjs"),
      bundle: true,
      platform: "node",
      format: "esm",
    });
  });
  afterAll(() => rm(folder, { recursive: true }));

  const path = (name: string) => join(folder, name);
  const file = async (bytes: Buffer) => {
    const name = path(`${files++}.tgz`);
    await writeFile(name, bytes);
    return name;
  };
  return {
    path,
    /** Writes the bytes to a file of their own and returns its path. */
    file,
    /** Starts a check of what is or will be at the path, in a worker. */
    start: (at: string, options: { md5?: boolean; limits?: Partial<UnpackLimits> } = {}) =>
      startArchiveCheck({ path: at, worker: pathToFileURL(path("worker.mjs")), ...options }),
    /** The report of a complete file, made in this thread: the same code as the worker's, without its start. */
    inspect: async (bytes: Buffer, limits: Partial<UnpackLimits> = {}) =>
      examineArchive(
        { path: await file(bytes), md5: false, limits: { ...GENEROUS, ...limits } },
        async () => ({ bytes: bytes.length, complete: true }),
        () => {},
      ),
  };
}
