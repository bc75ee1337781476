// Reads a mongodump archive: which collections it names, and whether each of them is there to its end.
import type { Format, NextPiece } from "./pieces.ts";
import type { ContentsFound } from "./soundness.ts";

// mongo-tools refuses larger documents: 16 MiB, plus 16 KiB for its own fields.
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024 + 16 * 1024;
const MIN_DOCUMENT_BYTES = 5;
const MAGIC_BYTES = 4;
const LENGTH_BYTES = 4;
const TERMINATOR = 0xffffffff;
/** A header begins with the names of the database and the collection, which have at most 64 and 255 bytes. */
const MAX_NAMES_BYTES = 1024;
/** A Flex cluster has at most 500 collections. */
const MAX_OPEN_COLLECTIONS = 10_000;

const INCOMPLETE = "The list of collections at the start of the mongodump archive is incomplete.";
const BROKEN = "The mongodump archive inside breaks off or is damaged within its collections.";
const TOO_MANY = "The mongodump archive inside has more documents or blocks than a snapshot; the rest was not counted.";

/** What the next piece is. A header names a collection: one in the prelude, or the one that a block belongs to. */
type State = "version" | "prelude" | "between" | "documents" | "ended";

/**
 * Reads a mongodump archive (mongo-tools, `common/archive`): after the magic number comes the prelude, which is a document
 * with versions and one header per collection, then blocks, each of which is a header and documents. The prelude and every
 * block end with a terminator. The last block of each collection has no documents and the mark `EOF` in its header; the
 * archive itself has no end mark, so it is whole once every collection has its last block. Of a document, only the length is
 * read.
 */
export function mongodumpFormat(limits: { documents: number; blocks: number }): Format<ContentsFound> {
  const nextLength: NextPiece = { skip: 0, take: LENGTH_BYTES };
  /** Collections whose last block has not come. */
  const open = new Set<string>();
  let state: State = "version";
  let collections = 0;
  let documents = 0;
  let blocks = 0;
  let problem: string | undefined;
  /** The size of the header whose names are the next piece; undefined before a length. */
  let header: number | undefined;

  function stop(reason: string): undefined {
    problem = reason;
  }

  function lengthAfter(skip: number): NextPiece {
    nextLength.skip = skip;
    return nextLength;
  }

  function readLength(size: number): NextPiece | undefined {
    if (size === TERMINATOR) return readTerminator();
    if (size < MIN_DOCUMENT_BYTES || size > MAX_DOCUMENT_BYTES || state === "ended") return stop(brokenIn(state));
    if (state === "documents") {
      documents += 1;
      return documents > limits.documents ? stop(TOO_MANY) : lengthAfter(size - LENGTH_BYTES);
    }
    if (state === "version") {
      state = "prelude";
      return lengthAfter(size - LENGTH_BYTES);
    }
    header = size - LENGTH_BYTES;
    return { skip: 0, take: Math.min(header, MAX_NAMES_BYTES) };
  }

  function readTerminator(): NextPiece | undefined {
    if (state === "version" || state === "between") return stop(brokenIn(state));
    state = "between";
    return lengthAfter(0);
  }

  function readHeader(fields: Buffer, size: number): NextPiece | undefined {
    header = undefined;
    const { name, isEnd } = parseHeader(fields);
    if (name === undefined) return stop(brokenIn(state));
    if (state === "prelude") collections += 1;
    else {
      blocks += 1;
      state = isEnd ? "ended" : "documents";
    }
    if (state === "ended") open.delete(name);
    else open.add(name);
    return blocks > limits.blocks || open.size > MAX_OPEN_COLLECTIONS
      ? stop(TOO_MANY)
      : lengthAfter(size - fields.length);
  }

  return {
    first: { skip: MAGIC_BYTES, take: LENGTH_BYTES },
    read: (piece) => (header === undefined ? readLength(piece.readUInt32LE()) : readHeader(piece, header)),
    found: (endsBetweenPieces) => {
      const isBetweenBlocks = state === "between" && header === undefined && endsBetweenPieces;
      const isWhole = problem === undefined && isBetweenBlocks && open.size === 0;
      return {
        contents: { kind: "mongodump-archive", collections },
        ending: isWhole ? "marked" : "early",
        notes: isWhole ? [] : [problem ?? brokenIn(state)],
      };
    },
  };
}

function brokenIn(state: State): string {
  return state === "version" || state === "prelude" ? INCOMPLETE : BROKEN;
}

/** BSON types of the fields in a header, with the size of the fixed ones (bsonspec.org). */
const STRING = 0x02;
const BOOLEAN = 0x08;
const FIXED_BYTES = new Map([
  [BOOLEAN, 1],
  [0x10, 4],
  [0x12, 8],
]);
/** The prelude names a time series, its blocks the collection that holds its buckets. */
const BUCKETS = /^system\.buckets\./;

/** The name is undefined when a field before it has another type or is cut off. */
function parseHeader(fields: Buffer): { name: string | undefined; isEnd: boolean } {
  let [db, collection, isEnd] = ["", "", false];
  for (let at = 0; at < fields.length; ) {
    const type = fields.readUInt8(at);
    const value = fields.indexOf(0, at + 1) + 1;
    const key = fields.toString("latin1", at + 1, value - 1);
    const isString = type === STRING && value > 0 && value + LENGTH_BYTES <= fields.length;
    const size = isString ? LENGTH_BYTES + fields.readUInt32LE(value) : FIXED_BYTES.get(type);
    if (value === 0 || size === undefined || value + size > fields.length) break;
    const text = isString ? fields.toString("latin1", value + LENGTH_BYTES, value + size - 1) : "";
    if (key === "db") db = text;
    if (key === "collection") collection = text.replace(BUCKETS, "");
    if (key === "EOF") isEnd = type === BOOLEAN && fields[value] === 1;
    at = value + size;
  }
  return { name: collection === "" ? undefined : `${db}\0${collection}`, isEnd };
}
