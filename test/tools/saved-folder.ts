import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { sha256 } from "../download/fixtures.ts";
import { CLUSTER, serverWith } from "../fixtures.ts";

export const KIB = 1024;
/** Clients that limit the size of results are expected to accept this much. */
export const MAX_RESULT_BYTES = 64 * KIB;

export const identity = { ...CLUSTER, name: "c".repeat(64) };
export const facts = {
  scheduledTime: "2026-11-22T03:00:00Z",
  startTime: "2026-11-22T03:00:10Z",
  finishTime: "2026-11-22T03:01:10Z",
  expiration: "2026-11-30T03:01:10Z",
  mongoDBVersion: "100.100.100",
};
export const List = z.object({
  files: z.array(z.object({ fileName: z.string(), state: z.string() })),
  transfers: z.array(z.object({ fileName: z.string(), state: z.string() })),
  truncated: z.boolean().optional(),
  nextStep: z.string(),
});

export const Restorable = z.object({ restore: z.object({ commands: z.array(z.string()) }), nextStep: z.string() });

export const idOf = (number: number) => number.toString(16).padStart(24, "0");
export const longName = (number: number, length = 121) => `${number}-`.padEnd(length - 4, "n").concat(".tgz");

/** A finished file with its record; a higher number is a newer file. */
export async function putFile(
  folder: string,
  number: number,
  fileName: string,
  {
    bytes = Buffer.from("12345678"),
    ...changes
  }: { bytes?: Buffer } & Partial<
    Record<
      "groupId" | "name" | "clusterId" | "sound" | "contents" | "etag" | "integrity" | "finishTime" | "projectName",
      unknown
    >
  > = {},
): Promise<void> {
  const path = join(folder, fileName);
  await writeFile(path, bytes);
  await utimes(path, number * 86_400, number * 86_400);
  const record = {
    v: 1,
    ...identity,
    ...facts,
    snapshotId: idOf(number),
    bytes: bytes.length,
    mtimeMs: number * 86_400_000,
    sha256: sha256(bytes),
    integrity: { gzip: "ok", length: "ok", md5: "not-verifiable" },
    contents: { kind: "mongodump-archive", unpackedBytes: 1 },
    savedAt: "2026-11-22T04:00:00.000Z",
    ...changes,
  };
  await writeFile(`${path}.json`, JSON.stringify(record));
}

export async function putPart(folder: string, number: number, fileName: string, changes: object = {}): Promise<void> {
  const state = {
    v: 1,
    identity: { ...identity, snapshotId: idOf(number) },
    facts: { ...facts, ...changes },
    fileName,
    total: 10_000_000_000,
    committedBytes: 5_000_000_000,
    startedAt: "2026-11-22T04:00:00.000Z",
  };
  await writeFile(join(folder, `${fileName}.part`), "12345678");
  await writeFile(join(folder, `${fileName}.part.json`), JSON.stringify(state));
}

export async function listOf(folder: string) {
  const { ok } = await serverWith({ args: ["--download-dir", folder] });
  const answer = await ok("list_saved_snapshots");
  return { ...List.parse(answer), resultBytes: Buffer.byteLength(JSON.stringify(answer)) };
}

export const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
