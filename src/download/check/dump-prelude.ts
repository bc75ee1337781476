import type { ContentsReader } from "./contents-reader.ts";

// mongo-tools reads no larger document: 16 MiB and 16 KiB for its own envelope.
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024 + 16 * 1024;
const MIN_DOCUMENT_BYTES = 5;
const MAGIC_BYTES = 4;
const TERMINATOR = 0xffffffff;

/**
 * Counts the collections that the prelude of a mongodump archive announces: after the magic number come a header document,
 * one document for each collection and a terminator (mongo-tools, `common/archive`). Documents are skipped, not decoded.
 */
export function createDumpPrelude(): ContentsReader {
  let skip = MAGIC_BYTES;
  let prefix = Buffer.alloc(0);
  let documents = 0;
  let state: "reading" | "complete" | "broken" = "reading";

  const takePrefix = (size: number) => {
    if (size === TERMINATOR) state = "complete";
    else if (size < MIN_DOCUMENT_BYTES || size > MAX_DOCUMENT_BYTES) state = "broken";
    else {
      documents += 1;
      skip = size - 4;
    }
  };

  return {
    write: (chunk) => {
      for (let rest = chunk; rest.length > 0 && state === "reading"; ) {
        if (skip > 0) {
          const skipped = Math.min(skip, rest.length);
          skip -= skipped;
          rest = rest.subarray(skipped);
          continue;
        }
        const needed = 4 - prefix.length;
        prefix = Buffer.concat([prefix, rest.subarray(0, needed)]);
        rest = rest.subarray(needed);
        if (prefix.length < 4) return;
        takePrefix(prefix.readUInt32LE(0));
        prefix = Buffer.alloc(0);
      }
    },
    end: async () => ({
      contents: { kind: "mongodump-archive", collections: Math.max(0, documents - 1) },
      notes:
        state === "complete" ? [] : ["The list of collections at the start of the mongodump archive is incomplete."],
    }),
  };
}
