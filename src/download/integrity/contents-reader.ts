import type { Contents } from "../contract.ts";
import { createDumpPrelude } from "./dump-prelude.ts";
import { createTarReader } from "./tar-reader.ts";

/** Tells from the unpacked bytes what an archive holds. */
export interface ContentsReader {
  /** The chunk is valid during the call only. */
  write(chunk: Buffer): void;
  end(): ContentsFound;
}

export interface ContentsFound {
  contents: Omit<Contents, "unpackedBytes">;
  notes: string[];
}

const BLOCK_BYTES = 512;

/** Picks the reader that fits the first block. */
export function createContentsReader(): ContentsReader {
  let head = Buffer.alloc(0);
  let reader: ContentsReader | undefined;

  return {
    write: (chunk) => {
      if (reader !== undefined) return reader.write(chunk);
      head = Buffer.concat([head, chunk]);
      if (head.length < BLOCK_BYTES) return;
      reader = readerFor(head);
      reader.write(head);
    },
    end: () => {
      if (reader !== undefined) return reader.end();
      // A dump of an empty server is shorter than a tar header.
      const short = readerFor(head);
      short.write(head);
      return short.end();
    },
  };
}

function readerFor(head: Buffer): ContentsReader {
  // 0x8199e26d in little-endian order opens every archive of mongodump.
  if (head.length >= 4 && head.readUInt32LE(0) === 0x8199e26d) return createDumpPrelude();
  // POSIX and GNU tar both have this at byte 257.
  if (head.subarray(257, 262).toString("latin1") === "ustar") return createTarReader();
  return { write: () => {}, end: () => ({ contents: { kind: "unknown" }, notes: [] }) };
}
