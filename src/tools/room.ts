// Keeps the lists in an answer below the size that clients accept.

/** Clients that limit the size of answers take 64 KiB; the difference is room for the rest of the answer. */
export const MAX_LISTED_BYTES = 62 * 1024;

/** The length of a value as JSON. */
export const bytesOf = (value: object | string) => Buffer.byteLength(JSON.stringify(value));

/** A filter that accepts entries until their JSON fills `bytes`. */
export function roomFor(bytes: number): (entry: object) => boolean {
  let left = bytes;
  return (entry) => {
    left -= bytesOf(entry) + 1;
    return left >= 0;
  };
}
