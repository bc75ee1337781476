const NEWLINE = 0x0a;

/** What is kept between lines; a longer line grows the memory only while it lasts. */
const KEPT_BYTES = 64 * 1024;

/**
 * Cuts a stream of chunks into lines. Each byte is copied at most a constant number of times, however small the chunks.
 * `onLine` gets bytes that are valid only during the call. A line above the limit is dropped up to its newline and
 * announced once.
 */
export function createLineSplitter(options: {
  limitBytes: number;
  onLine: (line: Buffer) => void;
  onOverlong: () => void;
}): { push: (chunk: Buffer) => void; end: () => void } {
  const { limitBytes, onLine, onOverlong } = options;
  let held = Buffer.allocUnsafe(KEPT_BYTES);
  let heldBytes = 0;
  let dropping = false;

  function hold(piece: Buffer): void {
    const needed = heldBytes + piece.length;
    if (needed > held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, held.length * 2));
      held.copy(larger, 0, 0, heldBytes);
      held = larger;
    }
    piece.copy(held, heldBytes);
    heldBytes = needed;
  }

  function release(): void {
    heldBytes = 0;
    if (held.length > KEPT_BYTES) held = Buffer.allocUnsafe(KEPT_BYTES);
  }

  function accept(piece: Buffer, isComplete: boolean): void {
    if (!dropping && heldBytes + piece.length > limitBytes) {
      dropping = true;
      release();
      onOverlong();
    }
    if (!dropping) {
      if (isComplete && heldBytes === 0) onLine(piece);
      else hold(piece);
      if (isComplete && heldBytes > 0) onLine(held.subarray(0, heldBytes));
    }
    if (isComplete) {
      dropping = false;
      release();
    }
  }

  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        accept(chunk.subarray(from, at), true);
        from = at + 1;
      }
      if (from < chunk.length) accept(chunk.subarray(from), false);
    },
    /** The last line may lack its newline when the input ends. */
    end() {
      accept(Buffer.alloc(0), true);
    },
  };
}
