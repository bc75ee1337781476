import { createCipheriv, createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { says } from "../../src/core/text.ts";
import { systemClock } from "../../src/core/time.ts";
import type {
  SavedList,
  SaveReport,
  SnapshotKeeper,
  SnapshotSource,
  SnapshotStore,
  WaitOptions,
} from "../../src/download/contract.ts";
import { startArchiveCheck, type UnpackLimits } from "../../src/download/integrity/archive-check.ts";
import { examineArchive } from "../../src/download/integrity/examine.ts";
import type { Limits } from "../../src/download/limits.ts";
import { createSnapshotStore, type SnapshotStoreOptions } from "../../src/download/store.ts";
import { removeFolder, SCRATCH } from "../scratch.ts";
import { type Behaviour, type RemoteFile, serve, startFaultServer } from "./fault-server.ts";

export const KIB = 1024;
export const MIB = 1024 * KIB;
const GENEROUS: UnpackLimits = { maxUnpackedBytes: 1e12, maxRatio: 2000, ratioFreeBytes: 1e12 };
const OLD = new Date(0);
export const clock = systemClock;
export const identity = {
  groupId: "5fa1000000000000000000b1",
  name: "orders",
  snapshotId: "5fa1000000000000000000c8",
};
export const facts = { finishTime: "2026-11-22T03:01:10Z", mongoDBVersion: "8.0.4" };
export const defaultName = `orders-20261122T0301Z-${identity.snapshotId}.tgz`;
export const worker = new URL("../../dist/archive-check-worker.js", import.meta.url);

/** Small files reach these limits, but a busy computer never looks like a stall. */
export const limits: Partial<Limits> = {
  batchBytes: 32 * KIB,
  commitBytes: 128 * KIB,
  commitEveryMs: 20,
  stallMs: 5_000,
  lowSpeedWindowMs: 5_000,
  attemptsWithoutProgress: 4,
  progressBytes: 64 * KIB,
  backoffFirstMs: 1,
  backoffMaxMs: 4,
  retryAfterMaxMs: 50,
  diskReserveBytes: 0,
  progressEveryMs: 10,
  quietMs: 20,
};

/** A gzipped tar that looks like a data directory; its bytes depend only on the size and the seed. */
export async function archive(bytes: number, seed = 1): Promise<Buffer> {
  const files = { WiredTiger: "WiredTiger 11.2.0\n", "collection-0-SENTINEL-NAME.wt": noise(bytes, seed) };
  return gzipSync(await tar(files), { level: 1 });
}

/** Who owns the entries of a tar, and their mode. */
interface Ownership {
  uid?: number;
  gid?: number;
  mode?: number;
}

/** A tar as bytes, the same for the same files; a name that ends in a slash is a folder. */
export async function tar(files: Record<string, string | Buffer>, ownership: Ownership = {}): Promise<Buffer> {
  const archive = pack();
  for (const [name, body] of Object.entries(files))
    if (name.endsWith("/")) archive.entry({ ...ownership, name, mtime: OLD, type: "directory" });
    else archive.entry({ ...ownership, name, mtime: OLD }, body);
  archive.finalize();
  return buffer(archive);
}

export async function tgz(files: Record<string, string | Buffer>, ownership?: Ownership): Promise<Buffer> {
  return gzipSync(await tar(files, ownership));
}

/** The files of a mongod 8 data directory, under the given folder. */
export function dataFiles(folder = ""): Record<string, string | Buffer> {
  const names = [
    "WiredTiger",
    "WiredTiger.turtle",
    "WiredTiger.wt",
    "_mdb_catalog.wt",
    "sizeStorer.wt",
    "storage.bson",
    "collection-0-1234567890.wt",
    "collection-2-1234567890.wt",
    "index-1-1234567890.wt",
    "journal/WiredTigerLog.0000000001",
  ];
  return Object.fromEntries(names.map((name) => [`${folder}${name}`, `body of ${name}`]));
}

export const MONGODUMP_MAGIC = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);

/** A BSON document of texts and truth values. */
export function bson(fields: Record<string, string | boolean>): Buffer {
  const elements = Object.entries(fields).map(([key, value]) => {
    if (typeof value === "boolean") return Buffer.from([0x08, ...Buffer.from(`${key}\0`), value ? 1 : 0]);
    const text = Buffer.from(`${value}\0`);
    return Buffer.concat([Buffer.from(`\x02${key}\0`), int32(text.length), text]);
  });
  const body = Buffer.concat(elements);
  return Buffer.concat([int32(body.length + 5), body, Buffer.from([0])]);
}

/** The last block of a collection in a mongodump archive. */
export function lastBlock(collection: string, db = "shop"): Buffer {
  return Buffer.concat([bson({ db, collection, EOF: true }), int32(-1)]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

export function flipBit(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}

/** A folder of archives for one test file, and the checks of these archives. */
export function checkArchives() {
  let folder = "";
  let files = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(SCRATCH, "archive-check-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const path = (name: string) => join(folder, name);
  const file = async (bytes: Buffer) => {
    const name = path(`${files++}.tgz`);
    await writeFile(name, bytes);
    return name;
  };
  /** The report of a complete file, by the code of the worker but in this thread, which saves its start. */
  const inspect = async (bytes: Buffer, limits: Partial<UnpackLimits> = {}) =>
    examineArchive(
      { path: await file(bytes), md5: false, limits: { ...GENEROUS, ...limits } },
      async () => ({ bytes: bytes.length, complete: true }),
      () => {},
    );
  return {
    path,
    /** Writes the bytes to a new file and returns its path. */
    file,
    /** Starts a worker that checks the present or future file at the path. */
    start: (at: string, options: { md5?: boolean; limits?: Partial<UnpackLimits> } = {}) =>
      startArchiveCheck({ path: at, worker, ...options }),
    inspect,
    contentsOf: async (bytes: Buffer) => (await inspect(bytes)).contents,
  };
}

/** Incompressible bytes, the same for the same seed. */
export function noise(bytes: number, seed: number): Buffer {
  const key = createHash("sha256").update(String(seed)).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

export async function remoteFile(bytes: number, seed = 1): Promise<RemoteFile> {
  return { bytes: await archive(bytes, seed), etag: `"object-${seed}-8"` };
}

export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(SCRATCH, "store-test-")));
  onTestFinished(() => removeFolder(folder));
  return folder;
}

/** The worker that checks archives, started so late that a test can see the check running. */
export async function slowWorker(): Promise<URL> {
  const path = join(await temporaryFolder(), "slow-worker.mjs");
  await writeFile(
    path,
    `await new Promise((go) => setTimeout(go, 300));\nawait import(${JSON.stringify(worker.href)});`,
  );
  return pathToFileURL(path);
}

/** Returns a new link to the same file for each request. */
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

export function openStore(directory: string, options: Partial<SnapshotStoreOptions>): SnapshotStore & SnapshotKeeper {
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

/** A fault server, a folder and a store that downloads from the server into the folder. */
export async function stage(options: Partial<SnapshotStoreOptions>, ...script: Behaviour[]) {
  const server = await startFaultServer(...script);
  onTestFinished(server.close);
  const folder = await temporaryFolder();
  const source = sourceOf(server.url);
  const store = openStore(folder, { source, ...options });
  return { server, source, folder, store, save: (fileName?: string) => saveTo(store, fileName) };
}

/** A stage whose snapshot, of 60 KiB, is saved. */
export async function savedStage(options: Partial<SnapshotStoreOptions> = {}) {
  const file = await remoteFile(60 * KIB);
  const staged = await stage(options, serve(file));
  await staged.save();
  return { ...staged, file, path: join(staged.folder, defaultName) };
}

export function patiently<Report>(extra: Partial<WaitOptions<Report>> = {}): WaitOptions<Report> {
  return { waitMs: 20_000, signal: new AbortController().signal, ...extra };
}

export function saveTo(store: SnapshotStore, fileName?: string): Promise<SaveReport> {
  return store.save({ ...identity, ...(fileName !== undefined && { fileName }) }, patiently());
}

export function listOf(store: SnapshotStore): Promise<SavedList> {
  return store.list(new AbortController().signal);
}

export async function statesOf(store: SnapshotStore): Promise<string[]> {
  return (await listOf(store)).transfers.map(({ state }) => state);
}

/** `opened` resolves once a test calls `open`. */
export function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The SHA-256 of a file in the folder: comparing buffers would take the test runner seconds. */
export async function hashOf(folder: string, name = defaultName): Promise<string> {
  return sha256(await readFile(join(folder, name)));
}

export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

export async function readJsonFile(folder: string, name: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, name), "utf8"));
}

/** The report of a finished save as later answers give it, which read its notes from the record. */
export function asRecorded(report: SaveReport): SaveReport {
  const { integrity, ...rest } = report;
  const notes = integrity?.notes?.map((note) => says("The record", note));
  return { ...rest, isOlder: true, ...(integrity && { integrity: { ...integrity, ...(notes && { notes }) } }) };
}
