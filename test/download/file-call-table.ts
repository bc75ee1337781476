import { statSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { concurrently } from "../../src/core/concurrency.ts";
import { Failure } from "../../src/core/errors.ts";
import type { SaveReport } from "../../src/download/contract.ts";
import { type FaultServer, type RemoteFile, serve, startFaultServer } from "./fault-server.ts";
import { faultyFolders } from "./faulty-folders.ts";
import { CODES, type Moment, OUTCOMES } from "./file-call-outcomes.ts";
import {
  defaultName,
  hashOf,
  KIB,
  namesIn,
  openStore,
  remoteFile,
  saveTo,
  sha256,
  sourceOf,
  temporaryFolder,
  worker,
} from "./fixtures.ts";

const CALLS = process.env.ONE ? [process.env.ONE] : [
  "mkdir",
  "realpath",
  "stat",
  "lstat",
  "readdir",
  "statfs",
  "open",
  "handle.stat",
  "handle.chmod",
  "handle.read",
  "handle.readFile",
  "handle.writeFile",
  "handle.writev",
  "handle.truncate",
  "handle.datasync",
  "handle.sync",
  "utimes",
  "rename",
  "link",
  "unlink",
  "check.open",
  "check.read",
];

/** Enough to overlap the waits of calls that are repeated. */
const AT_A_TIME = 24;
const MINE = "not from this program";

let file: RemoteFile;
let server: FaultServer;
let isReady = false;

beforeAll(async () => {
  file = await remoteFile(20 * KIB);
  // In pieces, so that locks are touched during the transfer.
  server = await startFaultServer(serve(file, { trickle: { bytes: 8 * KIB, ms: 8 } }));
  isReady = true;
});
afterAll(() => (isReady ? server.close() : undefined));

/** A worker that checks archives and whose calls to open or to read the file fail. */
async function brokenWorker(call: string, code: string, times: number): Promise<URL> {
  const path = join(await temporaryFolder(), "broken-worker.mjs");
  const name = call === "check.open" ? "openSync" : "readSync";
  const lines = [
    'import fs from "node:fs";',
    'import { syncBuiltinESMExports } from "node:module";',
    `const original = fs.${name};`,
    `let left = ${times};`,
    `fs.${name} = (...words) => {`,
    `  if (left-- > 0) throw Object.assign(new Error("${code}"), { code: "${code}" });`,
    "  return original(...words);",
    "};",
    "syncBuiltinESMExports();",
    `await import(${JSON.stringify(worker.href)});`,
  ];
  await writeFile(path, lines.join("\n"));
  return pathToFileURL(path);
}

/** In one word what a save became; capital letters where it rejected. */
function wordOf(report: SaveReport | Failure): string {
  const isFailure = report instanceof Failure;
  if (!isFailure && report.state === "complete") return report.warnings ? "warned" : "saved";
  const problem = isFailure ? report.envelope : report.lastError;
  const words: Record<string, string> = {
    DISK_FULL: "full",
    DISK_FAILED: problem?.retryable ? "busy" : "failed",
    DOWNLOAD_DIR_UNUSABLE: "folder",
    FILE_EXISTS: "taken",
  };
  const { errorCode = `${isFailure ? "" : report.state}?`, hint = "", detail = "" } = problem ?? {};
  // Whoever reads it can act on it.
  const word = hint && detail ? (words[errorCode] ?? errorCode) : `${errorCode} without advice`;
  return isFailure ? word.toUpperCase() : word;
}

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size;

/** The file itself, `none` when nothing has its name, `reserved` for an empty file, otherwise something that must not be. */
async function underFinalName(folder: string): Promise<"whole" | "none" | "reserved" | "wrong"> {
  const size = sizeOf(join(folder, defaultName));
  if (!size) return size === undefined ? "none" : "reserved";
  return (await hashOf(folder)) === sha256(file.bytes) ? "whole" : "wrong";
}

/** Prepares what the call needs to occur at all. */
async function prepare(call: string, folder: string): Promise<void> {
  if (call === "mkdir") return;
  await mkdir(folder, { mode: 0o700 });
  await writeFile(join(folder, "mine.tgz"), MINE);
  // Permissions are asked for only where the folder looks open.
  if (call === "handle.chmod") await chmod(folder, 0o777);
  // A part that another computer may still write to is copied.
  if (call === "handle.read") {
    const half = await startFaultServer(serve(file, { after: 10 * KIB }), serve(file, { after: 0 }));
    await saveTo(openStore(folder, { source: sourceOf(half.url) }));
    await half.close();
    const state = join(folder, `${defaultName}.part.json`);
    const writer = { pid: 1, space: "elsewhere", token: "0123abcd" };
    const json = { ...JSON.parse(await readFile(state, "utf8")), writer };
    await writeFile(state, `${JSON.stringify(json, undefined, 2)}\n`);
  }
}

type Faulty = Awaited<ReturnType<typeof faultyFolders>>;

/** What a save becomes when the call fails at that moment, and that the next save completes when the call works again. */
async function outcome(faulty: Faulty, call: string, code: string, moment: Moment): Promise<string> {
  const folder = join(await temporaryFolder(), "backups");
  await prepare(call, folder);
  const [part, final] = [`${defaultName}.part`, defaultName].map((name) => join(folder, name));
  const isComplete = () => sizeOf(`${part}`) === file.bytes.length || sizeOf(`${final}`) !== undefined;
  const isAtMoment = {
    always: () => true,
    once: () => refused === 0,
    "once every byte is here": isComplete,
    "without links": isComplete,
    "after publication": () => sizeOf(`${final}`) === file.bytes.length && sizeOf(`${final}.json`) !== undefined,
  }[moment];
  let refused = 0; const t0 = performance.now();
  let isOver = false;
  faulty.judge(folder, (made) => {
    if (isOver) return undefined;
    if (made !== call || !isAtMoment()) return moment === "without links" && made === "link" ? "ENOTSUP" : undefined;
    refused += 1;
    return code === "zeros" ? { bavail: 0, bsize: 4096, blocks: 0, files: 0 } : code;
  });
  const isCheck = call.startsWith("check.");
  const checkWorker = isCheck ? await brokenWorker(call, code, moment === "once" ? 1 : 1e9) : worker;
  const options = { source: sourceOf(server.url), limits: { lockBeatMs: 2 } };
  const report = await saveTo(openStore(folder, { ...options, checkWorker })).catch((error: unknown) => {
    if (error instanceof Failure) return error;
    throw error;
  });
  if (process.env.ONE) console.log(report, performance.now() - t0);
  isOver = true;
  const word = wordOf(report);
  const isSaved = ["saved", "warned"].includes(word);
  const found = await underFinalName(folder);
  // An empty file keeps the name where files are renamed.
  const allowed = isSaved ? ["whole"] : ["whole", "none", ...(moment === "without links" ? ["reserved"] : [])];
  if (call === "handle.chmod") await chmod(folder, 0o700);
  const next = await saveTo(openStore(folder, options)).catch((error: unknown) => error);
  const hasMine = call !== "mkdir";
  const facts = {
    isHonest: allowed.includes(found),
    isSavedOncePublished: moment !== "after publication" || isSaved,
    next: next instanceof Object && "state" in next ? next.state : next,
    then: await underFinalName(folder),
    names: await namesIn(folder),
    mine: hasMine ? await readFile(join(folder, "mine.tgz"), "utf8") : MINE,
  };
  expect.soft(facts, `${call} ${moment}: ${code} -> ${word}, ${found}`).toEqual({
    isHonest: true,
    isSavedOncePublished: true,
    next: "complete",
    then: "whole",
    names: [...(hasMine ? ["mine.tgz"] : []), defaultName, `${defaultName}.json`],
    mine: MINE,
  });
  return refused > 0 || isCheck ? word : "-";
}

/** As a table that people can read. */
function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()).join("\n");
}

const MOMENTS: Moment[] = ["always", "once", "once every byte is here", "without links", "after publication"];

test.each(MOMENTS)("a save ends well or tells why, and the next one completes, when a file call fails %s", async (moment) => {
  const faulty = await faultyFolders();
  const cells = CALLS.flatMap((call) => CODES.map((code) => ({ call, code })));
  const words = await concurrently(cells, AT_A_TIME, ({ call, code }) =>
    (process.env.CODE && code !== process.env.CODE) || code === "zeros" && call !== "statfs" ? Promise.resolve("") : outcome(faulty, call, code, moment),
  );
  const rows = CALLS.map((call, row) => [call, ...words.slice(row * CODES.length, (row + 1) * CODES.length)]);
  const table = tableOf([[moment, ...CODES], ...rows]);
  process.stdout.write(`\n${table}\n`);
  expect(table).toBe(OUTCOMES[moment].trim());
});
