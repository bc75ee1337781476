// Cuts a stream of chunks into the pieces that the reader of an archive asks for.
/** One kind of archive, read in pieces of known length. */
export interface Format<Found> {
  first: NextPiece;
  /** Reads a piece and says where the next one is; undefined after the last one. */
  read: (piece: Buffer) => NextPiece | undefined;
  /** The result at the end of the input, which lies between two pieces or within one. */
  found: (endsBetweenPieces: boolean) => Found;
}

/** Where the next piece is: `take` bytes after `skip` bytes that nobody needs. */
export interface NextPiece {
  skip: number;
  take: number;
}

/**
 * Cuts chunks of any size into pieces and hands each to `onPiece`, which says where the next one is. Bytes between the
 * pieces are skipped.
 */
export function createPieces(first: NextPiece, onPiece: (piece: Buffer) => NextPiece | undefined) {
  const nothing = Buffer.alloc(0);
  let next: NextPiece | undefined = first;
  let skip = first.skip;
  let held: Buffer = nothing;

  return {
    write: (chunk: Buffer): void => {
      let at = 0;
      while (next !== undefined && at < chunk.length) {
        if (skip > 0) {
          const skipped = Math.min(skip, chunk.length - at);
          skip -= skipped;
          at += skipped;
          continue;
        }
        const part = chunk.subarray(at, at + next.take - held.length);
        at += part.length;
        if (held.length + part.length < next.take) {
          held = Buffer.concat([held, part]);
          return;
        }
        next = onPiece(held.length === 0 ? part : Buffer.concat([held, part]));
        held = nothing;
        skip = next?.skip ?? 0;
      }
    },
    /** Whether the input so far ends between two pieces, with nothing left to skip. */
    endsBetween: (): boolean => skip === 0 && held.length === 0,
  };
}
