import type { ContentsReader } from "./contents-reader.ts";
import { createEntryTally } from "./entry-tally.ts";
import { createPieces, type Wish } from "./pieces.ts";
import { BLOCK_BYTES, parsePax, parseTarHeader, type TarHeader, text } from "./tar-header.ts";

// A data directory has a file per index or collection, tens of thousands at most; a bomb of empty files has billions.
const MAX_HEADERS = 1_000_000;
// Names are at most 4 KiB; a PAX header may hold extended attributes too.
const MAX_EXTENSION_BYTES = 1024 * 1024;
// Where an old GNU sparse header, and each block that extends it, says that another one follows.
const SPARSE_EXTENDED = 482;
const SPARSE_EXTENDED_AGAIN = 504;

const NEXT_HEADER: Wish = { skip: 0, take: BLOCK_BYTES };
const DAMAGED = "The tar inside is damaged; what follows the damage was not counted.";
const UNMARKED = "The tar inside lacks its end marker, which tar tolerates.";

/**
 * Reads the headers of a tar and passes over what its files hold, without waiting for anything: tar-stream, the usual
 * parser, stalls for ever at a folder that states a size.
 */
export function createTarReader(maxHeaders = MAX_HEADERS): ContentsReader {
  const tally = createEntryTally();
  let headers = 0;
  let problem: string | undefined;
  let ended = false;
  /** What a PAX or GNU header said of the entry after it. */
  let extension: { path?: string; size?: number } = {};
  /** How to read the next piece. */
  let read: (piece: Buffer) => Wish | undefined = readHeader;

  const stop = (reason: string) => {
    problem = reason;
    return undefined;
  };
  const header = (skip: number): Wish => {
    read = readHeader;
    return { skip, take: BLOCK_BYTES };
  };

  function readHeader(block: Buffer): Wish | undefined {
    if (block.every((byte) => byte === 0)) {
      read = readEndMarker;
      return NEXT_HEADER;
    }
    headers += 1;
    if (headers > maxHeaders)
      return stop(`The tar inside has more than ${maxHeaders} entries; the rest was not counted.`);
    const entry = parseTarHeader(block);
    if (entry === undefined) return stop(DAMAGED);
    if (entry.kind === "long-name" || entry.kind === "pax") return readExtension(entry);
    if (entry.kind === "aside") return header(padded(entry.size));

    const { path = entry.name, size = entry.size } = extension;
    extension = {};
    if (entry.kind === "file" || entry.kind === "sparse-file") tally.add(path);
    const data = entry.kind === "bare" ? 0 : padded(size);
    return entry.kind === "sparse-file" && block[SPARSE_EXTENDED] === 1 ? readSparseMap(data) : header(data);
  }

  function readExtension({ kind, size }: TarHeader): Wish | undefined {
    if (size > MAX_EXTENSION_BYTES) return stop(DAMAGED);
    read = (piece) => {
      const body = piece.subarray(0, size);
      extension = { ...extension, ...(kind === "pax" ? parsePax(body) : { path: text(body) }) };
      return header(0);
    };
    return { skip: 0, take: padded(size) };
  }

  function readSparseMap(data: number): Wish {
    read = (block) => (block[SPARSE_EXTENDED_AGAIN] === 1 ? NEXT_HEADER : header(data));
    return NEXT_HEADER;
  }

  /** POSIX ends a tar with two blocks of zeros; what follows is not part of it. */
  function readEndMarker(block: Buffer): undefined {
    ended = block.every((byte) => byte === 0);
    return ended ? undefined : stop(UNMARKED);
  }

  const pieces = createPieces(NEXT_HEADER, (piece) => read(piece));
  return {
    write: pieces.write,
    end: () => {
      if (problem === undefined && !ended)
        problem = pieces.atBoundary() ? UNMARKED : "The tar inside ends in the middle of an entry.";
      const notes = problem === undefined ? [] : [problem];
      const escaping = tally.escaping();
      if (escaping > 0) notes.push(`Names in the tar that lead out of the folder it is unpacked into: ${escaping}.`);
      return { contents: tally.contents(), notes };
    },
  };
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}
