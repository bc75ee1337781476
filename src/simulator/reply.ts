/** An answer down to the way its bytes travel, so that a fault is a function from reply to reply. */
export interface Reply {
  status: number;
  headers: Record<string, string | string[]>;
  body: Iterable<Uint8Array>;
  /** Bytes of `body`, announced when `framing` is `length`. */
  length: number;
  /** How a reader learns where the body ends. */
  framing: "length" | "chunked" | "close";
  /** What happens to the connection, and after how many bytes of the body; without it the answer is complete. */
  end?: { afterBytes: number; by: "closing" | "reset" | "stalling" };
  /** Nothing is answered at all. */
  silence?: "hang" | "reset";
  /** Wait before the first byte. */
  headersAfterMs?: number;
  /** Answers 100 and 103 that precede the real one. */
  preliminary?: boolean;
  /** Wait between single bytes of the body. */
  byteEveryMs?: number;
  /** A limit of its own below that of the host. */
  bytesPerSecond?: number;
}

export function textReply(status: number, type: string, text: string, headers: Reply["headers"] = {}): Reply {
  const bytes = Buffer.from(text);
  return {
    status,
    headers: { "Content-Type": type, ...headers },
    body: [bytes],
    length: bytes.length,
    framing: "length",
  };
}
