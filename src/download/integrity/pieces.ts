/** What a reader asks for next: `take` bytes after passing over `skip`. */
export interface Wish {
  skip: number;
  take: number;
}

/** Cuts chunks of any size into the pieces that a reader asks for, holding no more than one piece. */
export interface Pieces {
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
