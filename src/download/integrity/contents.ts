// Tells from the unpacked bytes what an archive holds: a data directory, a dump directory or a mongodump archive.
import { mongodumpFormat } from "./mongodump.ts";
import { createPieces, type Format, type NextPiece } from "./pieces.ts";
import type { ContentsFound } from "./soundness.ts";
import { BLOCK_BYTES, parsePax, parseTarHeader, type TarHeader, text } from "./tar-header.ts";

/** How much is read of an archive: more than a snapshot holds, so that a bomb of tiny pieces costs only seconds. */
interface ContentsLimits {
  tarHeaders: number;
  documents: number;
  blocks: number;
}

const DEFAULT_LIMITS: ContentsLimits = {
  // A data directory has a file per index or collection, tens of thousands at most; a bomb of empty files has billions.
  tarHeaders: 1_000_000,
  // A Flex cluster stores 5 GB, and a document with an ObjectId has at least 22 bytes.
  documents: 250_000_000,
  // mongodump collects the documents of a collection before it writes them as a block.
  blocks: 2_000_000,
};

/** Holds at most one piece in memory; a chunk is valid only during `write`. */
export function createContentsReader(limits: Partial<ContentsLimits> = {}) {
  let head = Buffer.alloc(0);
  let open: { format: Format<ContentsFound>; pieces: ReturnType<typeof createPieces> } | undefined;

  function start() {
    const format = formatOf(head, { ...DEFAULT_LIMITS, ...limits });
    const pieces = createPieces(format.first, format.read);
    pieces.write(head);
    open = { format, pieces };
    return open;
  }

  return {
    write: (chunk: Buffer): void => {
      if (open) return open.pieces.write(chunk);
      head = Buffer.concat([head, chunk]);
      if (head.length >= BLOCK_BYTES) start();
    },
    end: (): ContentsFound => {
      // The dump of an empty server is shorter than a tar header.
      const { format, pieces } = open ?? start();
      return format.found(pieces.endsBetween());
    },
  };
}

function formatOf(head: Buffer, limits: ContentsLimits): Format<ContentsFound> {
  // Every mongodump archive starts with 0x8199e26d in little-endian order.
  if (head.length >= 4 && head.readUInt32LE(0) === 0x8199e26d) return mongodumpFormat(limits);
  if (isTar(head)) return tarFormat(limits.tarHeaders);
  return { first: { skip: 0, take: 1 }, read: () => undefined, found: () => unknownContents(head) };
}

/**
 * POSIX and GNU tar both have `ustar` at byte 257 of a header. GNU's volume label, which may come first, and the headers of
 * V7 tar lack it; a right checksum tells those.
 */
function isTar(head: Buffer): boolean {
  if (head.subarray(257, 262).toString("latin1") === "ustar") return true;
  return head.length >= BLOCK_BYTES && parseTarHeader(head.subarray(0, BLOCK_BYTES)) !== undefined;
}

const TWICE = "The file is compressed twice: it unpacks to another gzip file.";
const PAGE = "The file unpacks to a web page, XML or JSON text, which a host or gateway sends in place of a backup.";
const UNRECOGNISED = "The contents are not recognised as those of a snapshot, so the file may be something else.";
/** Any tag or declaration, or the start of a JSON object or list. */
const PAGE_START = /^\s*(?:<[!?a-z]|\{\s*["}]|\[\s*["{\]])/i;
const PAGE_START_BYTES = 4096;

function unknownContents(head: Buffer): ContentsFound {
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  // In a regular expression, white space includes the byte order mark.
  const isPage = PAGE_START.test(head.toString("utf8", 0, PAGE_START_BYTES));
  return {
    contents: { kind: "unknown" },
    ending: isPage ? "foreign" : "unknown",
    notes: [isPage ? PAGE : UNRECOGNISED],
    ...(isGzip && { damage: TWICE }),
  };
}

// Names have at most 4 KiB, but a PAX header may hold extended attributes too.
const MAX_EXTENSION_BYTES = 1024 * 1024;
// Enough for a tar of 60,000 files with 1 KiB of attributes each.
const MAX_ALL_EXTENSION_BYTES = 64 * MAX_EXTENSION_BYTES;
// Offsets of the flag that another block of the sparse map follows: in an old GNU sparse header, and in each such block.
const SPARSE_EXTENDED = 482;
const SPARSE_EXTENDED_AGAIN = 504;

const NEXT_HEADER: NextPiece = { skip: 0, take: BLOCK_BYTES };
const DAMAGED = "The tar inside is damaged; what follows the damage was not counted.";
const UNMARKED = "The tar inside lacks its end marker, which tar tolerates.";

/**
 * Reads the headers of a tar and skips the data of its files. Hand-written because tar-stream, the usual parser, stalls for
 * ever at a folder that states a size.
 */
function tarFormat(maxHeaders: number): Format<ContentsFound> {
  const tally = createNameTally();
  let headers = 0;
  let extensionBytes = 0;
  let problem: string | undefined;
  let hasEnded = false;
  /** What a PAX or GNU header says about the entry after it. */
  let extension: { path?: string; size?: number } = {};
  /** The last header describes an entry whose own header has not come yet. */
  let isEntryDue = false;
  /** Reads the next piece. */
  let read: (piece: Buffer) => NextPiece | undefined = readHeader;

  function stop(reason: string): undefined {
    problem = reason;
  }

  function headerAfter(skip: number): NextPiece {
    read = readHeader;
    return { skip, take: BLOCK_BYTES };
  }

  function readHeader(block: Buffer): NextPiece | undefined {
    if (isZero(block)) {
      read = readEndMarker;
      return NEXT_HEADER;
    }
    headers += 1;
    if (headers > maxHeaders)
      return stop(`The tar inside has more than ${maxHeaders} entries; the rest was not counted.`);
    const entry = parseTarHeader(block);
    if (entry === undefined) return stop(DAMAGED);
    isEntryDue = ["long-name", "pax", "ignored"].includes(entry.kind);
    if (entry.kind === "long-name" || entry.kind === "pax") return readExtension(entry);
    if (entry.kind === "ignored") return headerAfter(padded(entry.size));

    const { path = entry.name, size = entry.size } = extension;
    extension = {};
    if (entry.kind === "file" || entry.kind === "sparse-file") tally.add(path);
    const data = entry.kind === "no-data" ? 0 : padded(size);
    return entry.kind === "sparse-file" && block[SPARSE_EXTENDED] === 1 ? readSparseMap(data) : headerAfter(data);
  }

  function readExtension({ kind, size }: TarHeader): NextPiece | undefined {
    extensionBytes += size;
    if (size > MAX_EXTENSION_BYTES) return stop(DAMAGED);
    if (extensionBytes > MAX_ALL_EXTENSION_BYTES)
      return stop("The tar inside has more long names and attributes than a snapshot; the rest was not counted.");
    read = (piece) => {
      const body = piece.subarray(0, size);
      extension = { ...extension, ...(kind === "pax" ? parsePax(body) : { path: text(body) }) };
      return headerAfter(0);
    };
    return { skip: 0, take: padded(size) };
  }

  function readSparseMap(data: number): NextPiece {
    read = (block) => (block[SPARSE_EXTENDED_AGAIN] === 1 ? NEXT_HEADER : headerAfter(data));
    return NEXT_HEADER;
  }

  /** POSIX ends a tar with two blocks of zeros; bytes after these do not belong to it. */
  function readEndMarker(block: Buffer): undefined {
    hasEnded = isZero(block);
    if (!hasEnded) stop(DAMAGED);
  }

  return {
    first: NEXT_HEADER,
    read: (piece) => read(piece),
    found: (endsBetweenPieces) => {
      const isBeforeHeader = read === readEndMarker || (read === readHeader && !isEntryDue);
      const isOnBorder = problem === undefined && endsBetweenPieces && isBeforeHeader;
      if (!hasEnded) problem ??= isOnBorder ? UNMARKED : "The tar inside ends in the middle of an entry.";
      const notes = problem === undefined ? [] : [problem];
      const escaping = tally.escaping();
      if (escaping > 0) notes.push(`Names in the tar that lead out of the folder it is unpacked into: ${escaping}.`);
      const contents = tally.contents();
      if (contents.kind === "unknown") notes.push(UNRECOGNISED);
      return { contents, ending: hasEnded ? "marked" : isOnBorder ? "border" : "early", notes };
    },
  };
}

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

/** The size that data has in a tar: whole blocks. */
function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

// mongod writes storage.bson, WiredTiger the other two; all are at the top of the data directory.
const DATA_MARKER = /^(?:WiredTiger|WiredTiger\.turtle|storage\.bson)$/;
// collection-7-123.wt, or collection/7-123.wt with directoryForIndexes; files of indexes have the same two forms.
const COLLECTION_FILE = /(?:^|\/)collection[-/][^/]+\.wt$/;
const DATA_FILE = /^(?:collection|index)-/;
const KIND_FOLDER = /^(?:collection|index)$/;
const DUMP_DOCUMENTS = /\.bson(?:\.gz)?$/;
const DUMP_METADATA = /\.metadata\.json(?:\.gz)?$/;
// Linux's PATH_MAX; tar allows longer names, but snapshots have none.
const MAX_NAME_LENGTH = 4096;

/** Recognises a directory by the names of the regular files in a tar. Reports counts only, never a name. */
function createNameTally() {
  let files = 0;
  let dataFiles = 0;
  let dataCollections = 0;
  let dumpCollections = 0;
  let dumpMetadata = 0;
  let gzipped = 0;
  let escaping = 0;
  const dataFolder = createCommonFolder();
  const layout = createLayout();
  const dumpFolder = createCommonFolder();

  return {
    add: (name: string): void => {
      files += 1;
      if (name.length > MAX_NAME_LENGTH) return;
      const folders = name.split("/");
      const base = folders.pop() ?? "";
      if (name.startsWith("/") || folders.includes("..")) escaping += 1;
      if (DATA_MARKER.test(base)) {
        dataFiles += 1;
        dataFolder.add(folders);
      } else if (base.endsWith(".wt")) {
        dataFiles += 1;
        layout.add(folders, base);
        if (COLLECTION_FILE.test(name)) dataCollections += 1;
      } else if (DUMP_METADATA.test(base)) {
        dumpMetadata += 1;
        // The folder directly above is the database; without it, mongorestore cannot be told where to start.
        dumpFolder.add(folders.length > 0 ? folders.slice(0, -1) : [""]);
      } else if (DUMP_DOCUMENTS.test(base)) {
        dumpCollections += 1;
        if (base.endsWith(".gz")) gzipped += 1;
      }
    },
    contents: (): ContentsFound["contents"] => {
      if (dataFiles > 0) {
        const { folderDepth } = dataFolder.depth();
        if (folderDepth === undefined) return { kind: "data-directory", files, collections: dataCollections };
        const found = { files, collections: dataCollections, folderDepth, ...layout.options(folderDepth) };
        return { kind: "data-directory", ...found };
      }
      if (dumpCollections === 0 || dumpMetadata === 0) return { kind: "unknown", files };
      const depth = dumpFolder.depth();
      const filesGzipped = gzipped > 0 ? { filesGzipped: true } : {};
      return { kind: "dump-directory", files, collections: dumpCollections, ...depth, ...filesGzipped };
    },
    /** Names that lead out of the folder that the tar is unpacked into. */
    escaping: (): number => escaping,
  };
}

/**
 * Which storage options a data directory was written with, by the folders that its files are in (MongoDB Manual, "mongod",
 * `--directoryperdb` and `--wiredTigerDirectoryForIndexes`): one for each database, and in it one for collections and one for
 * indexes. A database may itself have the name `index`, so the form of the file's name decides.
 */
function createLayout() {
  /** How many folders are above the files of each form, the folder of collections or indexes not counted. */
  const above = { inOneFolder: new Set<number>(), inKindFolders: new Set<number>() };
  return {
    add: (folders: readonly string[], base: string): void => {
      if (DATA_FILE.test(base)) above.inOneFolder.add(folders.length);
      else if (KIND_FOLDER.test(folders.at(-1) ?? "")) above.inKindFolders.add(folders.length - 1);
    },
    options: (folderDepth: number) => {
      const isPerDatabase = [...above.inOneFolder, ...above.inKindFolders].includes(folderDepth + 1);
      const isPerKind = [folderDepth, folderDepth + 1].some((depth) => above.inKindFolders.has(depth));
      return { ...(isPerDatabase && { directoryPerDB: true }), ...(isPerKind && { directoryForIndexes: true }) };
    },
  };
}

/** The depth of the folder that all added files share; unknown when they are in different folders. */
function createCommonFolder() {
  let common: string | undefined;
  let depth: number | undefined;
  return {
    add: (folders: string[]): void => {
      const path = folders.join("/");
      if (common === undefined) depth = folders.length;
      common ??= path;
      // GNU tar and bsdtar strip empty components differently, so such a path has no certain depth.
      if (folders.includes("") || path !== common) depth = undefined;
    },
    depth: (): { folderDepth?: number } => (depth === undefined ? {} : { folderDepth: depth }),
  };
}
