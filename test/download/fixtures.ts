import { createCipheriv, createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { onTestFinished } from "vitest";
import type { SaveReport, SnapshotSource, SnapshotStore, WaitOptions } from "../../src/download/contract.ts";
import { createSnapshotStore, type SnapshotStoreOptions } from "../../src/download/store.ts";
import { SCRATCH } from "../scratch.ts";
import { clock, facts, identity, KIB, limits } from "./child-vocabulary.ts";
import { type Behaviour, type RemoteFile, startFaultServer } from "./fault-server.ts";

export { clock, facts, identity, KIB, limits };
export const defaultName = `orders-20261122T0301Z-${identity.snapshotId}.tgz`;
export const worker = new URL("../../dist/archive-check-worker.js", import.meta.url);

/** A gzipped tar that looks like a data directory; its bytes follow from `seed`. */
export async function archive(bytes: number, seed = 1): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "WiredTiger" }, "WiredTiger 11.2.0\n");
  tar.entry({ name: "collection-0-SENTINEL-NAME.wt" }, noise(bytes, seed));
  tar.finalize();
  return gzipSync(await buffer(tar), { level: 1 });
}

/** Incompressible, and the same for the same seed. */
export function noise(bytes: number, seed: number): Buffer {
  const key = createHash("sha256").update(String(seed)).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

export async function remoteFile(bytes: number, seed = 1): Promise<RemoteFile> {
  return { bytes: await archive(bytes, seed), etag: `"object-${seed}-8"` };
}

export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(SCRATCH, "store-test-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The thread that checks, starting late enough for a test to see the check go on. */
export async function slowWorker(): Promise<URL> {
  const path = join(await temporaryFolder(), "slow-worker.mjs");
  await writeFile(
    path,
    `await new Promise((go) => setTimeout(go, 300));\nawait import(${JSON.stringify(worker.href)});`,
  );
  return pathToFileURL(path);
}

/** Hands out a new link to the same file each time it is asked. */
export function sourceOf(url: string): SnapshotSource & { asked: number } {
  const source = {
    asked: 0,
    describe: async () => facts,
    link: async () => {
      source.asked += 1;
      return { url: `${url}&link=${source.asked}` };
    },
  };
  return source;
}

export function openStore(directory: string, options: Partial<SnapshotStoreOptions>): SnapshotStore {
  const store = createSnapshotStore({
    directory,
    filePrefix: "",
    source: sourceOf(""),
    checkWorker: worker,
    allowLoopback: true,
    fileHosts: [],
    clock,
    ...options,
    limits: { ...limits, ...options.limits },
  });
  onTestFinished(() => store.close());
  return store;
}

/** A fault server, a folder and a store that downloads from the one into the other. */
export async function stage(options: Partial<SnapshotStoreOptions>, ...script: Behaviour[]) {
  const server = await startFaultServer(...script);
  onTestFinished(server.close);
  const folder = await temporaryFolder();
  const source = sourceOf(server.url);
  const store = openStore(folder, { source, ...options });
  return { server, source, folder, store, save: (fileName?: string) => saveTo(store, fileName) };
}

export function patiently<Report>(extra: Partial<WaitOptions<Report>> = {}): WaitOptions<Report> {
  return { waitMs: 20_000, signal: new AbortController().signal, ...extra };
}

export function saveTo(store: SnapshotStore, fileName?: string): Promise<SaveReport> {
  return store.save({ ...identity, ...(fileName !== undefined && { fileName }) }, patiently());
}

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The SHA-256 of a file in the folder; comparing buffers byte by byte would take a test runner seconds. */
export async function hashOf(folder: string, name = defaultName): Promise<string> {
  return sha256(await readFile(join(folder, name)));
}

export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

export async function readJsonFile(folder: string, name: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, name), "utf8"));
}
