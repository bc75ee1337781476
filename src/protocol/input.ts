// Cuts standard input into lines, and holds the input back while nobody reads the answers.
import type { Readable } from "node:stream";

/** Room for a hundred thousand requests. Beyond it the stream is paused, and then its end goes unnoticed as well. */
const QUEUE_LIMIT_BYTES = 8 * 1024 * 1024;

/** The buffer that is kept for an incomplete line; a longer line enlarges it only until its newline. */
const LINE_BUFFER_BYTES = 64 * 1024;

const NEWLINE = 0x0a;

interface LineReader {
  start: () => void;
  /** To be called when `isFull` may have become false. */
  goOn: () => void;
  /** Resolves when everything that arrived so far has been passed on. */
  empty: () => Promise<void>;
  stop: () => void;
}

/**
 * Passes on each line of `stdin`; the bytes that `onLine` gets are valid only during the call. A line above the limit is
 * dropped up to its newline and announced once.
 *
 * While `isFull`, chunks are queued instead, in order: the answers to them would pile up without end. Reading continues, so
 * that the end of the input is noticed and no cancellation is lost.
 */
export function createLineReader(
  stdin: Readable,
  options: { isFull: () => boolean; limitBytes: number; onLine: (line: Buffer) => void; onOverlong: () => void },
): LineReader {
  const { isFull, limitBytes, onLine, onOverlong } = options;
  let queue: Buffer[] = [];
  let queuedBytes = 0;
  let hasEnded = false;
  let isScheduled = false;
  let waiting: (() => void)[] = [];

  function take(chunk: Buffer): void {
    if (queue.length === 0 && !isFull()) return cut(chunk);
    queue.push(chunk);
    queuedBytes += chunk.length;
    if (queuedBytes > QUEUE_LIMIT_BYTES) stdin.pause();
    goOn();
  }

  /** Passes on one chunk per turn of the event loop: the answers to it are written in between and may fill the output. */
  function goOn(): void {
    if (isScheduled || queue.length === 0 || isFull()) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      const chunk = isFull() ? undefined : queue.shift();
      if (chunk) passOn(chunk);
      goOn();
    });
  }

  function passOn(chunk: Buffer): void {
    queuedBytes -= chunk.length;
    if (queuedBytes <= QUEUE_LIMIT_BYTES && stdin.isPaused()) stdin.resume();
    cut(chunk);
    if (queue.length > 0) return;
    if (hasEnded) endLine();
    wakeWaiting();
  }

  function finish(): void {
    hasEnded = true;
    if (queue.length === 0) endLine();
  }

  function wakeWaiting(): void {
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  /** The beginning of a line whose newline has not arrived yet. */
  let buffer = Buffer.allocUnsafe(LINE_BUFFER_BYTES);
  let bufferedBytes = 0;
  let isOverlong = false;

  function cut(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      accept(chunk.subarray(from, at), true);
      from = at + 1;
    }
    if (from < chunk.length) accept(chunk.subarray(from), false);
  }

  /** The last line may lack its newline when the input ends. */
  function endLine(): void {
    accept(Buffer.alloc(0), true);
  }

  function accept(piece: Buffer, isLineEnd: boolean): void {
    if (!isOverlong && bufferedBytes + piece.length > limitBytes) {
      isOverlong = true;
      emptyBuffer();
      onOverlong();
    }
    if (!isOverlong) {
      if (isLineEnd && bufferedBytes === 0) onLine(piece);
      else keep(piece);
      if (isLineEnd && bufferedBytes > 0) onLine(buffer.subarray(0, bufferedBytes));
    }
    if (isLineEnd) {
      isOverlong = false;
      emptyBuffer();
    }
  }

  /** The buffer doubles when it is full, so that each byte is copied a few times at most, however small the chunks. */
  function keep(piece: Buffer): void {
    const needed = bufferedBytes + piece.length;
    if (needed > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, buffer.length * 2));
      buffer.copy(larger, 0, 0, bufferedBytes);
      buffer = larger;
    }
    piece.copy(buffer, bufferedBytes);
    bufferedBytes = needed;
  }

  function emptyBuffer(): void {
    bufferedBytes = 0;
    if (buffer.length > LINE_BUFFER_BYTES) buffer = Buffer.allocUnsafe(LINE_BUFFER_BYTES);
  }

  return {
    start() {
      stdin.on("data", take);
      stdin.on("end", finish);
    },
    goOn,
    async empty() {
      if (queue.length > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    stop() {
      stdin.off("data", take);
      stdin.off("end", finish);
      stdin.pause();
      queue = [];
      wakeWaiting();
    },
  };
}
