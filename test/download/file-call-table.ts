// Runs a save for each file call, each result that a system may give it, and each moment, and puts the outcomes into tables.
import { statSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished } from "vitest";
import { concurrently } from "../../src/core/concurrency.ts";
import { Failure } from "../../src/core/errors.ts";
import type { SaveReport } from "../../src/download/contract.ts";
import { type FaultServer, type RemoteFile, serve, startFaultServer } from "./fault-server.ts";
import { faultyFolders } from "./faulty-folders.ts";
import { LEGEND, MOMENT_NAMES, type Moment, OUTCOMES, ZEROS } from "./file-call-outcomes.ts";
import {
  defaultName,
  hashOf,
  identity,
  KIB,
  namesIn,
  openStore,
  patiently,
  remoteFile,
  saveTo,
  sha256,
  sourceOf,
  temporaryFolder,
  worker,
} from "./fixtures.ts";

/** With `check.`: the calls of the thread that reads the file. */
const CALLS = [
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
const AT_THE_END = ["lstat", "open", "handle.stat", "handle.readFile", "handle.sync", "unlink"];
const PUBLISHING = [...AT_THE_END, "handle.writeFile", "handle.datasync", "rename", "link"];

/** When the call fails, with the calls that occur then. */
const MOMENTS: Record<Moment, readonly string[]> = {
  always: CALLS,
  once: CALLS,
  "once every byte is here": PUBLISHING,
  "the same without links": PUBLISHING.filter((call) => call !== "link"),
  "after publication": ["readdir", ...AT_THE_END],
};

/** Enough to overlap the waits of calls that are repeated. */
const AT_A_TIME = 24;
const MINE = "not from this program";

let file: RemoteFile;
let server: FaultServer;

/** The server and the file of all cells. */
async function open(): Promise<void> {
  file = await remoteFile(20 * KIB);
  // In pieces, so that locks are touched during the transfer.
  server = await startFaultServer(serve(file, { trickle: { bytes: 8 * KIB, ms: 8 } }));
  onTestFinished(server.close);
}

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
    "the same without links": isComplete,
    "after publication": () => sizeOf(`${final}`) === file.bytes.length && sizeOf(`${final}.json`) !== undefined,
  }[moment];
  let refused = 0;
  let isOver = false;
  faulty.judge(folder, (made) => {
    if (isOver) return undefined;
    if (made !== call || !isAtMoment())
      return moment === "the same without links" && made === "link" ? "ENOTSUP" : undefined;
    refused += 1;
    return code === ZEROS ? { bavail: 0, bsize: 4096, blocks: 0, files: 0 } : code;
  });
  const isCheck = call.startsWith("check.");
  const checkWorker = isCheck ? await brokenWorker(call, code, moment === "once" ? 1 : 1e9) : worker;
  const wait = patiently({ waitMs: 60_000 });
  const options = { source: sourceOf(server.url), ...(call === "utimes" && { limits: { lockBeatMs: 2 } }) };
  const report = await openStore(folder, { ...options, checkWorker })
    .save(identity, wait)
    .catch((error: unknown) => {
      if (error instanceof Failure) return error;
      throw error;
    });
  isOver = true;
  const word = wordOf(report);
  const isSaved = ["saved", "warned"].includes(word);
  const found = await underFinalName(folder);
  // An empty file keeps the name where files are renamed.
  const allowed = isSaved ? ["whole"] : ["whole", "none", ...(moment === "the same without links" ? ["reserved"] : [])];
  if (call === "handle.chmod") await chmod(folder, 0o700);
  const next = await saveTo(openStore(folder, options)).catch((error: unknown) => error);
  // Where nothing can be removed, locks of this process and empty files of its questions stay, which disturb nobody.
  const mayStay = call === "unlink" ? /^\.probe-|\.lock$/ : /^$/;
  const hasMine = call !== "mkdir";
  const facts = {
    isHonest: allowed.includes(found),
    isSavedOncePublished: moment !== "after publication" || isSaved,
    next: next instanceof Object && "state" in next ? next.state : next,
    afterwards: await underFinalName(folder),
    names: (await namesIn(folder)).filter((name) => !mayStay.test(name)),
    mine: hasMine ? await readFile(join(folder, "mine.tgz"), "utf8") : MINE,
  };
  expect.soft(facts, `${call} ${moment}: ${code} -> ${word}, ${found}`).toEqual({
    isHonest: true,
    isSavedOncePublished: true,
    next: "complete",
    afterwards: "whole",
    names: [...(hasMine ? ["mine.tgz"] : []), defaultName, `${defaultName}.json`],
    mine: MINE,
  });
  return refused > 0 || isCheck ? word : "-";
}

/** As a table that people can read. */
function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

type Words = (moment: Moment, call: string, code: string) => string;

function tablesOf(codes: readonly string[], words: Words): string {
  return MOMENT_NAMES.map((moment) =>
    tableOf([
      [moment, ...codes],
      ...MOMENTS[moment].map((call) => [call, ...codes.map((code) => words(moment, call, code))]),
    ]),
  ).join("\n\n");
}

/** What `OUTCOMES` says. */
function expected(): Words {
  const words = new Map<string, string>();
  for (const table of OUTCOMES.trim().split("\n\n")) {
    const [[moment = "", ...codes] = [], ...rows] = table.split("\n").map((line) => line.split(/ {2,}/));
    for (const [call, ...cells] of rows)
      for (const [column, cell] of cells.entries()) words.set([moment, call, codes[column]].join(), cell);
  }
  return (...cell) => words.get(cell.join()) ?? "";
}

/** Saves once for each cell; prints the tables, and returns them with those that are expected. */
export async function runTables(codes: readonly string[]): Promise<{ found: string; wanted: string }> {
  await open();
  const faulty = await faultyFolders();
  const cells = MOMENT_NAMES.flatMap((moment) =>
    MOMENTS[moment].flatMap((call) =>
      codes.filter((code) => code !== ZEROS || call === "statfs").map((code) => ({ moment, call, code })),
    ),
  );
  // Calls that are repeated take longest.
  cells.sort((one, other) => Number(other.code === "EBUSY") - Number(one.code === "EBUSY"));
  const words = new Map<string, string>();
  await concurrently(cells, AT_A_TIME, async ({ moment, call, code }) => {
    words.set([moment, call, code].join(), await outcome(faulty, call, code, moment));
  });
  const found = tablesOf(codes, (...cell) => words.get(cell.join()) ?? "");
  process.stdout.write(`\n${LEGEND}\n\n${found}\n`);
  return { found, wanted: tablesOf(codes, expected()) };
}
