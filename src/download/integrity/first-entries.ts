// Tells in fixed words what the beginning of an archive is made of: how it was packed, and the kinds of its first entries.
import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { createInflateRaw } from "node:zlib";
import { hasCode } from "../../core/errors.ts";
import { READ_ONLY, withFile } from "../folder/file-system.ts";
import { createPieces, type NextPiece } from "./pieces.ts";
import { BLOCK_BYTES, parsePax, parseTarHeader, type TarHeader, text } from "./tar-header.ts";

/** What the beginning of an archive is made of. Every text is one of our own words, never one from the file. */
export interface FirstEntries {
  /** Absent when the file does not begin with the header of a gzip member. */
  gzip?: {
    /** The optional fields that the first header has (RFC 1952). */
    fields: string[];
    /** Whether the first header says when the file was packed. */
    hasTime: boolean;
    system: string;
    /** Members that begin within what was read. */
    members: number;
  };
  format: "tar" | "mongodump archive" | "unknown";
  entries: FirstEntry[];
  /** Why reading stopped. */
  stoppedAt: "enough entries" | "enough bytes" | "the end" | "damage";
}

export interface FirstEntry {
  kind: string;
  /** Folders above it. */
  depth: number;
  /** Its character in the header; `other` for an unknown one. */
  typeflag: string;
  header: "ustar" | "gnu" | "v7";
  /** The headers before it that describe it. */
  extensions: ("pax" | "global pax" | "gnu long name" | "gnu long link")[];
  /** The name leads to the root or out of the folder. */
  escapes: boolean;
}

const MAX_ENTRIES = 12;
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
/** A file packed in pieces has thousands of members. */
const MAX_MEMBERS = 64;
/** A header names a file and perhaps has a comment. */
const MAX_GZIP_HEADER_BYTES = 64 * 1024;
/** A name, or a few attributes. */
const MAX_EXTENSION_BYTES = 64 * 1024;
const TRAILER_BYTES = 8;
const CHUNK_BYTES = 64 * 1024;

/** Reads the beginning of an archive. Rejects only when the file cannot be read. */
export function firstEntriesOf(path: string): Promise<FirstEntries> {
  return withFile(path, READ_ONLY, async (handle) => {
    const reader = createEntriesReader();
    let gzip: FirstEntries["gzip"];
    for (let offset = 0; ; ) {
      const head = parseGzipHeader(await beginningAt(handle, offset));
      if (!head) return { ...(gzip && { gzip }), ...reader.found(), stoppedAt: gzip ? "the end" : "damage" };
      const { bytes, ...fields } = head;
      gzip = { ...fields, ...gzip, members: (gzip?.members ?? 0) + 1 };
      const end = await readMember(handle, offset + bytes, reader.write);
      if (end.stoppedAt !== undefined) return { gzip, ...reader.found(), stoppedAt: end.stoppedAt };
      if (gzip.members >= MAX_MEMBERS) return { gzip, ...reader.found(), stoppedAt: "enough bytes" };
      offset += bytes + end.packedBytes + TRAILER_BYTES;
    }
  });
}

async function beginningAt(handle: FileHandle, offset: number): Promise<Buffer> {
  const buffer = Buffer.alloc(MAX_GZIP_HEADER_BYTES);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
  return buffer.subarray(0, bytesRead);
}

const FIELDS = ["text", "header checksum", "extra field", "file name", "comment"] as const;
/** RFC 1952 section 2.3.1, those that are still written. */
const SYSTEMS = new Map([
  [0, "FAT"],
  [3, "Unix"],
  [7, "Macintosh"],
  [10, "NTFS"],
  [11, "NTFS"],
  [255, "unknown"],
]);

/** The header of a gzip member (RFC 1952 section 2.3) and its length; undefined where none is. */
function parseGzipHeader(head: Buffer) {
  if (head.length < 10 || head.readUInt16BE(0) !== 0x1f8b || head[2] !== 8) return undefined;
  const flags = head.readUInt8(3);
  const has = (field: (typeof FIELDS)[number]) => (flags & (1 << FIELDS.indexOf(field))) !== 0;
  let bytes = 10;
  if (has("extra field")) bytes += 2 + (bytes + 2 <= head.length ? head.readUInt16LE(bytes) : 0);
  for (const field of ["file name", "comment"] as const) {
    if (!has(field)) continue;
    const zero = head.indexOf(0, bytes);
    if (zero === -1) return undefined;
    bytes = zero + 1;
  }
  if (has("header checksum")) bytes += 2;
  return {
    fields: FIELDS.filter(has),
    hasTime: head.readUInt32LE(4) !== 0,
    system: SYSTEMS.get(head.readUInt8(9)) ?? "other",
    bytes,
  };
}

/** A member was read to its end, or there was enough of it. */
type MemberEnd = { packedBytes: number; stoppedAt?: undefined } | { stoppedAt: FirstEntries["stoppedAt"] };

async function* chunksFrom(handle: FileHandle, start: number): AsyncGenerator<Buffer> {
  for (let offset = start; ; ) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, offset);
    if (bytesRead === 0) return;
    offset += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Inflates one member, and hands out its bytes until `take` says why it has enough. */
async function readMember(
  handle: FileHandle,
  start: number,
  take: (chunk: Buffer) => FirstEntries["stoppedAt"] | undefined,
): Promise<MemberEnd> {
  // A stream of the handle itself would close it.
  const source = Readable.from(chunksFrom(handle, start));
  const inflate = createInflateRaw();
  source.on("error", (error) => inflate.destroy(error));
  source.pipe(inflate);
  try {
    for await (const chunk of inflate) {
      const stoppedAt = take(chunk);
      if (stoppedAt !== undefined) return { stoppedAt };
    }
    return { packedBytes: inflate.bytesWritten };
  } catch (error) {
    if (hasCode(error, "Z_DATA_ERROR", "Z_BUF_ERROR")) return { stoppedAt: "damage" };
    throw error;
  } finally {
    source.destroy();
  }
}

/** Every mongodump archive starts with 0x8199e26d in little-endian order. */
const MONGODUMP_MAGIC = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);
const NEXT_HEADER: NextPiece = { skip: 0, take: BLOCK_BYTES };
const padded = (bytes: number) => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;

function createEntriesReader() {
  const entries: FirstEntry[] = [];
  let format: FirstEntries["format"] = "unknown";
  let stoppedAt: FirstEntries["stoppedAt"] | undefined;
  let unpacked = 0;
  /** What the last headers say of the entry after them. */
  let path: string | undefined;
  let size: number | undefined;
  let extensions: FirstEntry["extensions"] = [];
  let read: (piece: Buffer) => NextPiece | undefined = readHeader;
  const pieces = createPieces(NEXT_HEADER, (piece) => read(piece));

  function stop(why: FirstEntries["stoppedAt"]): undefined {
    stoppedAt = why;
  }

  function readHeader(block: Buffer): NextPiece | undefined {
    const header = parseTarHeader(block);
    if (!header) {
      if (format === "unknown" && block.subarray(0, 4).equals(MONGODUMP_MAGIC)) format = "mongodump archive";
      if (format !== "tar") return stop("enough bytes");
      return stop(block.some((byte) => byte !== 0) ? "damage" : "the end");
    }
    format = "tar";
    const extension = EXTENSIONS.get(block.toString("latin1", 156, 157));
    if (extension !== undefined) {
      if (!extensions.includes(extension)) extensions.push(extension);
      return header.size > MAX_EXTENSION_BYTES ? stop("enough bytes") : readExtension(header);
    }
    entries.push(entryOf(block, path ?? header.name, extensions));
    const data = header.kind === "no-data" ? 0 : padded(size ?? header.size);
    [path, size, extensions] = [undefined, undefined, []];
    // A sparse file's map may take further blocks, which this does not read.
    if (header.kind === "sparse-file") return stop("enough bytes");
    return entries.length < MAX_ENTRIES ? { skip: data, take: BLOCK_BYTES } : stop("enough entries");
  }

  function readExtension(header: TarHeader): NextPiece {
    const bytes = padded(header.size);
    if (header.kind === "ignored" || bytes === 0) return { skip: bytes, take: BLOCK_BYTES };
    read = (piece) => {
      const body = piece.subarray(0, header.size);
      const pax = header.kind === "pax" ? parsePax(body) : { path: text(body) };
      path = pax.path ?? path;
      size = "size" in pax ? pax.size : size;
      read = readHeader;
      return NEXT_HEADER;
    };
    return { skip: 0, take: bytes };
  }

  return {
    /** Says why nothing more is needed. */
    write: (chunk: Buffer): FirstEntries["stoppedAt"] | undefined => {
      unpacked += chunk.length;
      pieces.write(chunk);
      if (stoppedAt === undefined && unpacked >= MAX_UNPACKED_BYTES) stoppedAt = "enough bytes";
      return stoppedAt;
    },
    found: (): Pick<FirstEntries, "format" | "entries"> => ({ format, entries }),
  };
}

const EXTENSIONS = new Map<string, FirstEntry["extensions"][number]>([
  ["x", "pax"],
  ["g", "global pax"],
  ["L", "gnu long name"],
  ["K", "gnu long link"],
]);

function entryOf(block: Buffer, path: string, extensions: FirstEntry["extensions"]): FirstEntry {
  const type = block.toString("latin1", 156, 157);
  const magic = block.toString("latin1", 257, 265);
  const folders = path.split("/").filter((part) => part !== "" && part !== ".");
  const name = folders.pop() ?? "";
  const isFolder = type === "5" || path.endsWith("/");
  return {
    kind: isFolder ? kindOfFolder(name) : type === "1" || type === "2" ? "link" : kindOfFile(name),
    depth: folders.length,
    typeflag: type === "\0" ? "\\0" : /^[0-7S]$/.test(type) ? type : "other",
    header: magic === "ustar  \0" ? "gnu" : magic.startsWith("ustar") ? "ustar" : "v7",
    extensions,
    escapes: path.startsWith("/") || [...folders, name].includes(".."),
  };
}

/** Of mongod: journal, diagnostics, temporary files. */
const KNOWN_FOLDERS = ["journal", "diagnostic.data", "_tmp", "collection", "index"];
const KNOWN_FILES = [
  "WiredTiger",
  "WiredTiger.lock",
  "WiredTiger.turtle",
  "WiredTiger.wt",
  "WiredTiger.backup",
  "WiredTigerHS.wt",
  "_mdb_catalog.wt",
  "sizeStorer.wt",
  "storage.bson",
  "mongod.lock",
  "oplog.bson",
  "prelude.json",
];
/** The first that fits counts. */
const FILE_FORMS: readonly (readonly [form: RegExp, kind: string])[] = [
  [/^WiredTigerLog\.\d+$/, "WiredTigerLog.*"],
  [/^WiredTigerPreplog\.\d+$/, "WiredTigerPreplog.*"],
  [/^metrics\..+$/, "metrics.*"],
  [/^collection-.+\.wt$/, "collection-*.wt"],
  [/^index-.+\.wt$/, "index-*.wt"],
  [/\.metadata\.json$/, "*.metadata.json"],
  [/\.metadata\.json\.gz$/, "*.metadata.json.gz"],
  [/\.bson\.gz$/, "*.bson.gz"],
];
const KNOWN_ENDINGS = ["wt", "bson", "json", "txt", "log", "lock", "turtle", "gz", "tgz", "tar", "zst", "xml", "conf"];

function kindOfFolder(name: string): string {
  if (name === "") return "directory ./";
  return KNOWN_FOLDERS.includes(name) ? `directory ${name}` : "directory";
}

function kindOfFile(name: string): string {
  if (KNOWN_FILES.includes(name)) return name;
  const form = FILE_FORMS.find(([pattern]) => pattern.test(name));
  if (form) return form[1];
  const ending = KNOWN_ENDINGS.find((known) => name.endsWith(`.${known}`));
  return ending === undefined ? "other file" : `other file (.${ending})`;
}
