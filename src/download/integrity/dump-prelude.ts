import type { ContentsReader } from "./contents-reader.ts";
import { createPieces } from "./pieces.ts";

// mongo-tools reads no larger document: 16 MiB, and 16 KiB for what it adds.
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024 + 16 * 1024;
const MIN_DOCUMENT_BYTES = 5;
const MAGIC_BYTES = 4;
const LENGTH_BYTES = 4;
const TERMINATOR = 0xffffffff;

/**
 * Counts the collections that the prelude of a mongodump archive announces: after the magic number come a header document,
 * one document for each collection and a terminator (mongo-tools, `common/archive`). Documents are passed over by their
 * lengths, not decoded.
 */
export function createDumpPrelude(): ContentsReader {
  let documents = 0;
  let complete = false;

  const pieces = createPieces({ skip: MAGIC_BYTES, take: LENGTH_BYTES }, (piece) => {
    const size = piece.readUInt32LE();
    complete = size === TERMINATOR;
    if (complete || size < MIN_DOCUMENT_BYTES || size > MAX_DOCUMENT_BYTES) return undefined;
    documents += 1;
    return { skip: size - LENGTH_BYTES, take: LENGTH_BYTES };
  });

  return {
    write: pieces.write,
    end: () => ({
      contents: { kind: "mongodump-archive", collections: Math.max(0, documents - 1) },
      notes: complete ? [] : ["The list of collections at the start of the mongodump archive is incomplete."],
    }),
  };
}
