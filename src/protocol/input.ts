// Splits standard input into lines, and queues the input while the client does not read the answers.
import type { Readable } from "node:stream";

/** About a hundred thousand requests. A longer queue pauses the stream; while paused, its end is not noticed. */
const QUEUE_LIMIT_BYTES = 8 * 1024 * 1024;

/** Size of the buffer for an incomplete line. A longer line enlarges the buffer until its newline. */
const LINE_BUFFER_BYTES = 64 * 1024;

const NEWLINE = 0x0a;

interface LineReader {
  start: () => void;
  /** Call this when the output may have room again. */
  resume: () => void;
  /** Resolves when the queue is empty. */
  whenEmpty: () => Promise<void>;
  stop: () => void;
}

/**
 * Calls `onLine` with each line of `stdin`; the bytes are valid only during the call. A line above the limit is dropped, and
 * `onOverlong` is called once for it.
 *
 * While the output is full, chunks wait in a queue, since their answers would pile up in memory. Reading continues, so that the
 * end of the input is noticed.
 */
export function createLineReader(
  stdin: Readable,
  options: { isOutputFull: () => boolean; limitBytes: number; onLine: (line: Buffer) => void; onOverlong: () => void },
): LineReader {
  const { isOutputFull, limitBytes, onLine, onOverlong } = options;
  let queue: Buffer[] = [];
  let queuedBytes = 0;
  let hasEnded = false;
  let isScheduled = false;
  let waiting: (() => void)[] = [];

  function take(chunk: Buffer): void {
    if (queue.length === 0 && !isOutputFull()) return cut(chunk);
    queue.push(chunk);
    queuedBytes += chunk.length;
    if (queuedBytes > QUEUE_LIMIT_BYTES) stdin.pause();
    resume();
  }

  /** Passes on one chunk per turn of the event loop, since the answers to each chunk may fill the output. */
  function resume(): void {
    if (isScheduled || queue.length === 0 || isOutputFull()) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      const chunk = isOutputFull() ? undefined : queue.shift();
      if (chunk) passOn(chunk);
      resume();
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

  /** The last line of the input may have no newline. */
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

  /** A full buffer doubles, so that each byte is copied only a few times, however small the chunks are. */
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
    resume,
    async whenEmpty() {
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
