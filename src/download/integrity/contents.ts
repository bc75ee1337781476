import type { Contents } from "../contract.ts";
import { BLOCK_BYTES, parsePax, parseTarHeader, type TarHeader, text } from "./tar-header.ts";

/** Tells from the unpacked bytes what an archive holds. */
interface ContentsReader {
  /** The chunk is valid during the call only. */
  write(chunk: Buffer): void;
  end(): ContentsFound;
}

interface ContentsFound {
  contents: Omit<Contents, "unpackedBytes">;
  notes: string[];
}

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
function createDumpPrelude(): ContentsReader {
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

/** Counts the regular files of a tar by what their names say; no name comes out. */
interface EntryTally {
  add(name: string): void;
  contents(): Omit<Contents, "unpackedBytes">;
  /** Names that lead out of the folder that the tar is unpacked into. */
  escaping(): number;
}

// mongod names the storage engine in storage.bson; the other two are WiredTiger's own. All lie at the top of the data directory.
const DATA_MARKER = /^(?:WiredTiger|WiredTiger\.turtle|storage\.bson)$/;
// collection-7-123.wt, or collection/7-123.wt with directoryForIndexes.
const COLLECTION_FILE = /(?:^|\/)collection[-/][^/]+\.wt$/;
const DUMP_DOCUMENTS = /\.bson(?:\.gz)?$/;
const DUMP_METADATA = /\.metadata\.json(?:\.gz)?$/;
// Linux's PATH_MAX; tar allows longer names, no snapshot has one.
const MAX_NAME_LENGTH = 4096;

function createEntryTally(): EntryTally {
  let files = 0;
  let dataFiles = 0;
  let dataCollections = 0;
  let dumpCollections = 0;
  let dumpMetadata = 0;
  let gzipped = 0;
  let escaping = 0;
  const dataFolder = commonFolder();
  const dumpFolder = commonFolder();

  return {
    add: (name) => {
      files += 1;
      if (name.length > MAX_NAME_LENGTH) return;
      const folders = name.split("/");
      const base = folders.pop() ?? "";
      if (name.startsWith("/") || folders.includes("..")) escaping += 1;
      if (DATA_MARKER.test(base)) {
        dataFiles += 1;
        dataFolder.see(folders);
      } else if (base.endsWith(".wt")) {
        dataFiles += 1;
        if (COLLECTION_FILE.test(name)) dataCollections += 1;
      } else if (DUMP_METADATA.test(base)) {
        dumpMetadata += 1;
        // The folder right above is the database; a dump without one has no place to start from.
        dumpFolder.see(folders.length > 0 ? folders.slice(0, -1) : [""]);
      } else if (DUMP_DOCUMENTS.test(base)) {
        dumpCollections += 1;
        if (base.endsWith(".gz")) gzipped += 1;
      }
    },
    contents: () => {
      if (dataFiles > 0) return { kind: "data-directory", files, collections: dataCollections, ...dataFolder.depth() };
      if (dumpCollections > 0 && dumpMetadata > 0)
        return {
          kind: "dump-directory",
          files,
          collections: dumpCollections,
          ...dumpFolder.depth(),
          ...(gzipped > 0 ? { filesGzipped: true } : {}),
        };
      return { kind: "unknown", files };
    },
    escaping: () => escaping,
  };
}

/** Whether all files seen lie in the same folder, and how deep that is. */
function commonFolder() {
  let common: string[] | undefined;
  let agreed = true;
  return {
    see: (folders: string[]) => {
      common ??= folders;
      // GNU tar and bsdtar strip empty components differently.
      if (folders.includes("") || folders.join("/") !== common.join("/")) agreed = false;
    },
    depth: () => (agreed && common !== undefined ? { folderDepth: common.length } : {}),
  };
}

/** What a reader asks for next: `take` bytes after passing over `skip`. */
interface Wish {
  skip: number;
  take: number;
}

/** Cuts chunks of any size into the pieces that a reader asks for, holding no more than one piece. */
interface Pieces {
  /** The chunk is valid during the call only. */
  write(chunk: Buffer): void;
  /** Whether the input ended between two pieces, with nothing left to skip. */
  atBoundary(): boolean;
}

const NOTHING = Buffer.alloc(0);

/** `onPiece` returns the next wish, or undefined when it has read enough. */
export function createPieces(first: Wish, onPiece: (piece: Buffer) => Wish | undefined): Pieces {
  let wish: Wish | undefined = first;
  let skip = first.skip;
  let held: Buffer = NOTHING;

  return {
    write: (chunk) => {
      let at = 0;
      while (wish !== undefined && at < chunk.length) {
        if (skip > 0) {
          const skipped = Math.min(skip, chunk.length - at);
          skip -= skipped;
          at += skipped;
          continue;
        }
        const part = chunk.subarray(at, at + wish.take - held.length);
        at += part.length;
        if (held.length + part.length < wish.take) {
          held = Buffer.concat([held, part]);
          return;
        }
        wish = onPiece(held.length === 0 ? part : Buffer.concat([held, part]));
        held = NOTHING;
        skip = wish?.skip ?? 0;
      }
    },
    atBoundary: () => skip === 0 && held.length === 0,
  };
}
