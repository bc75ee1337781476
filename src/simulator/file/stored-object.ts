/** One object of the file host, readable from any offset without being held in memory. */
export interface StoredObject {
  length: number;
  /** Strong, quotes included. */
  etag: string;
  /** Milliseconds since the epoch, whole seconds. */
  lastModified: number;
  contentType: string;
  /** The bytes from `start` up to, but without, `end`. */
  read: (start: number, end: number) => Iterable<Uint8Array>;
}

export function objectOfBytes(
  bytes: Uint8Array,
  facts: Pick<StoredObject, "etag" | "lastModified" | "contentType">,
): StoredObject {
  return { ...facts, length: bytes.length, read: (start, end) => [bytes.subarray(start, end)] };
}
