import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import type { Contents } from "../contract.ts";

export interface ArchiveReport {
  bytes: number;
  sha256: string;
  md5: string;
  gzip: "ok" | "damaged";
  contents: Contents;
  notes: string[];
}

export interface ArchiveCheck {
  advance(bytes: number): void;
  finish(): Promise<ArchiveReport>;
  stop(): Promise<void>;
  readonly progress: () => number;
}

export function startArchiveCheck(options: { path: string; worker: URL }): ArchiveCheck {
  let bytes = 0;
  return {
    advance: (to) => {
      bytes = to;
    },
    finish: async () => {
      const data = (await readFile(options.path)).subarray(0, bytes);
      const unpacked = unpackedOf(data);
      return {
        bytes,
        sha256: createHash("sha256").update(data).digest("hex"),
        md5: createHash("md5").update(data).digest("hex"),
        gzip: unpacked === undefined ? "damaged" : "ok",
        contents: { kind: "unknown", unpackedBytes: unpacked ?? 0 },
        notes: [],
      };
    },
    stop: async () => undefined,
    progress: () => bytes,
  };
}

function unpackedOf(data: Buffer): number | undefined {
  try {
    return gunzipSync(data).length;
  } catch {
    return undefined;
  }
}
