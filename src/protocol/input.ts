import type { Readable } from "node:stream";

/** Room for a hundred thousand requests. Beyond it the input waits in its pipe, where its end is not seen either. */
const HELD_LIMIT_BYTES = 8 * 1024 * 1024;

interface Intake {
  start: () => void;
  /** Says that `isFull` may have changed. */
  goOn: () => void;
  /** Resolves when everything that came in so far was passed on. */
  empty: () => Promise<void>;
  stop: () => void;
}

/**
 * Takes in what arrives, but passes none of it on while `isFull`: answers that nobody reads would pile up without end. It is
 * held instead, in order, so that the end of the input is still noticed and no cancellation is lost.
 */
export function createIntake(
  stdin: Readable,
  { isFull, push, end }: { isFull: () => boolean; push: (chunk: Buffer) => void; end: () => void },
): Intake {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let hasEnded = false;
  let isDue = false;
  let waiting: (() => void)[] = [];

  function take(chunk: Buffer): void {
    if (held.length === 0 && !isFull()) return push(chunk);
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes > HELD_LIMIT_BYTES) stdin.pause();
    goOn();
  }

  /** One piece in each turn, since answers to it come in between and may fill the output. */
  function goOn(): void {
    if (isDue || held.length === 0 || isFull()) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      const chunk = isFull() ? undefined : held.shift();
      if (chunk) passOn(chunk);
      goOn();
    });
  }

  function passOn(chunk: Buffer): void {
    heldBytes -= chunk.length;
    if (heldBytes <= HELD_LIMIT_BYTES && stdin.isPaused()) stdin.resume();
    push(chunk);
    if (held.length > 0) return;
    if (hasEnded) end();
    release();
  }

  function release(): void {
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  function finish(): void {
    hasEnded = true;
    if (held.length === 0) end();
  }

  return {
    start() {
      stdin.on("data", take);
      stdin.on("end", finish);
    },
    goOn,
    empty: () =>
      new Promise((resolve) => {
        if (held.length === 0) resolve();
        else waiting.push(resolve);
      }),
    stop() {
      stdin.off("data", take);
      stdin.off("end", finish);
      stdin.pause();
      held = [];
      release();
    },
  };
}

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
