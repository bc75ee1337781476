export const BLOCK_BYTES = 512;

/** One header of a tar: POSIX ustar and PAX (IEEE 1003.1, pax), or GNU (GNU tar manual, "Basic Tar Format"). */
export interface TarHeader {
  name: string;
  /** Bytes of data, without padding. */
  size: number;
  kind: EntryKind;
}

/**
 * `bare`: links, devices, folders and pipes, which have no data even where they state a size.
 * `aside`: says something of the link of the next entry (GNU), or of all entries (PAX), that matters to nobody here.
 */
type EntryKind = "file" | "sparse-file" | "long-name" | "pax" | "bare" | "aside" | "other";

const KINDS: Record<string, EntryKind> = {
  "0": "file",
  "\0": "file",
  // A "contiguous" file, which nothing treats differently.
  "7": "file",
  "1": "bare",
  "2": "bare",
  "3": "bare",
  "4": "bare",
  "5": "bare",
  "6": "bare",
  K: "aside",
  L: "long-name",
  S: "sparse-file",
  g: "aside",
  x: "pax",
};

// Field offsets are the same in both formats, save the prefix: GNU keeps other things there.
const SIZE = [124, 136] as const;
const CHECKSUM = [148, 156] as const;
const TYPE = 156;
const MAGIC = [257, 263] as const;
const PREFIX = [345, 500] as const;

/** Undefined when this is no header: its checksum or its size is wrong. */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  const size = parseNumber(block.subarray(...SIZE));
  if (size === undefined || parseNumber(block.subarray(...CHECKSUM)) !== checksum(block)) return undefined;

  const name = text(block.subarray(0, 100));
  const prefix = text(block.subarray(...MAGIC)) === "ustar" ? text(block.subarray(...PREFIX)) : "";
  const type = block.toString("latin1", TYPE, TYPE + 1);
  return { name: prefix === "" ? name : `${prefix}/${name}`, size, kind: KINDS[type] ?? "other" };
}

function checksum(block: Buffer): number {
  let sum = 0;
  for (const byte of block) sum += byte;
  for (const byte of block.subarray(...CHECKSUM)) sum += 0x20 - byte;
  return sum;
}

/** Octal digits, or big-endian base 256 where the first bit is set (GNU, for sizes from 8 GiB). */
function parseNumber(field: Buffer): number | undefined {
  const [first = 0] = field;
  if (first === 0x80) {
    let value = 0;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = text(field).trim();
  if (digits === "") return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** A text that ends at its first zero, or with its field. */
export function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end === -1 ? field.length : end);
}

/** What a PAX header says of the entry after it: records of the form `length key=value\n`. */
export function parsePax(body: Buffer): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {};
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const length = space === -1 ? Number.NaN : Number(body.toString("latin1", at, Math.min(space, at + 10)));
    if (!Number.isInteger(length) || length <= space - at || at + length > body.length) break;
    const [key, ...value] = body.toString("utf8", space + 1, at + length - 1).split("=");
    if (key === "path") found.path = value.join("=");
    if (key === "size" && /^\d{1,15}$/.test(value.join("="))) found.size = Number(value.join("="));
    at += length;
  }
  return found;
}
