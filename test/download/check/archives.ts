import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { pack } from "tar-stream";

/** A tar as bytes; a name that ends in a slash is a folder. */
export async function tar(files: Record<string, string | Buffer>): Promise<Buffer> {
  const archive = pack();
  for (const [name, body] of Object.entries(files))
    if (name.endsWith("/")) archive.entry({ name, type: "directory" });
    else archive.entry({ name }, body);
  archive.finalize();
  return buffer(archive);
}

/** Names of the files that mongod 8 leaves in its data directory. */
export const DATA_DIRECTORY = {
  WiredTiger: "WiredTiger\nWiredTiger 11.3.0\n",
  "WiredTiger.turtle": "WiredTiger version string\n",
  "WiredTiger.wt": "catalogue",
  "_mdb_catalog.wt": "catalogue",
  "sizeStorer.wt": "sizes",
  "storage.bson": "engine",
  "collection-0-1234567890.wt": "documents",
  "collection-2-1234567890.wt": "documents",
  "index-1-1234567890.wt": "keys",
  "journal/WiredTigerLog.0000000001": Buffer.alloc(4096),
};

export async function dataDirectory(): Promise<Buffer> {
  return gzipSync(await tar(DATA_DIRECTORY));
}

/** A folder with helpers, removed by `release`. */
export async function workshop() {
  const folder = await mkdtemp(join(tmpdir(), "archive-check-"));
  const bundle = join(folder, "worker.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "../../../src/download/check/worker.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  let files = 0;
  return {
    worker: pathToFileURL(bundle),
    folder,
    /** Writes the bytes to a file of their own. */
    file: async (bytes: Buffer) => {
      const path = join(folder, `archive-${files++}.tgz`);
      await writeFile(path, bytes);
      return path;
    },
    release: () => rm(folder, { recursive: true }),
  };
}
