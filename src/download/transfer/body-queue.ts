import type { Readable } from "node:stream";

/** A response body as it arrives. */
export interface BodyQueue extends AsyncIterable<Buffer> {
  /** Drops the connection; the rest is of no interest. */
  drop: () => void;
}

/** Held ahead of the reader; the socket rests above it. */
const AHEAD_BYTES = 1024 * 1024;

/**
 * Takes a body's chunks off the stream at once. A stream that fails throws away what it still buffers, which on a line that
 * breaks often would be all the progress there is; here everything that arrived comes out before the error does.
 */
export function queueBody(body: Readable): BodyQueue {
  const chunks: Buffer[] = [];
  let queued = 0;
  let end: { error?: unknown } | undefined;
  let wake: () => void = () => undefined;

  function finish(how: { error?: unknown }): void {
    end ??= how;
    wake();
  }

  body.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    queued += chunk.length;
    if (queued >= AHEAD_BYTES) body.pause();
    wake();
  });
  body.on("end", () => finish({}));
  body.on("error", (error) => finish({ error }));
  body.on("close", () => finish({ error: new Error("The body was closed before its end.") }));

  async function* read(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk) {
          queued -= chunk.length;
          if (queued < AHEAD_BYTES / 2 && body.isPaused()) body.resume();
          yield chunk;
        } else if (end) {
          if ("error" in end) throw end.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      body.destroy();
    }
  }

  return { [Symbol.asyncIterator]: read, drop: () => void body.destroy() };
}
