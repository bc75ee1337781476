// Writes the body of a file host's response to the local copy, and aborts a request that stalls or trickles.
import { ownFailure } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import type { LocalCopy } from "../folder/local-copy.ts";
import type { Limits } from "../limits.ts";
import { isGzip, PAGE_HINT, SNIFFED_BYTES, whatItIs } from "./foreign-body.ts";
import type { Verdict } from "./response-judge.ts";

/** A body smaller than this share of the part is not the file but a web page sent in its place. */
const LEAST_SHARE = 0.01;
/** This many bytes are always proof enough, since such web pages are shorter; until then they stay in memory. */
const LONGEST_PROOF_BYTES = 64 * 1024;

interface Receiver {
  copy: LocalCopy;
  watch: SpeedWatch;
  limits: Pick<Limits, "maxFileBytes">;
  onBytes: (bytes: number) => void;
  /** Called just before a whole file replaces the part. */
  onStartOver: () => void;
}

/** What to do after a body. `more`: it ended where it should, before the end of the file. */
export type Received = Extract<Verdict, { kind: "complete" | "retry" | "doubt" }> | { kind: "more" };

/**
 * Takes a body that holds the whole file (`begin`) or the next bytes of the part (`continue`). A whole file replaces the
 * part only after its first bytes prove that it is gzip and not tiny compared with the part: the page of a captive portal
 * must not cost a part. Rejects with `NOT_A_SNAPSHOT` or `FILE_HOST_FAILED` without that proof.
 */
export async function receiveBody(
  body: AsyncIterable<Buffer>,
  verdict: Extract<Verdict, { kind: "begin" | "continue" }>,
  { copy, watch, limits, onBytes, onStartOver }: Receiver,
): Promise<Received> {
  if (verdict.kind === "continue" && verdict.total !== undefined) await copy.expect(verdict.total);
  let unproven = verdict.kind === "begin" ? verdict.version : undefined;
  const end = verdict.kind === "begin" ? verdict.version.total : verdict.end;
  let head = Buffer.alloc(0);
  let start = copy.bytes;
  let taken = start;
  try {
    for await (const chunk of body) {
      watch.received(chunk.length);
      let bytes = chunk;
      if (unproven) {
        head = Buffer.concat([head, chunk]);
        if (!isProof(head, end, copy.bytes)) continue;
        onStartOver();
        await watch.excuse(copy.startOver(unproven));
        unproven = undefined;
        bytes = head;
        start = 0;
        taken = 0;
      }
      taken += bytes.length;
      if (taken > (end ?? limits.maxFileBytes)) {
        if (end === undefined) throw ownFailure("FILE_TOO_LARGE");
        // No byte of a body that contradicts its own headers is believed.
        await watch.excuse(copy.cutTo(start));
        return { kind: "doubt", why: "The file host sent more bytes than it announced." };
      }
      onBytes(bytes.length);
      const wait = copy.append(bytes);
      if (wait) await watch.excuse(wait);
    }
    if (unproven && !isGzip(head)) throw ownFailure("NOT_A_SNAPSHOT", whatItIs(head));
    if (unproven && end === undefined) throw tooSmall();
  } finally {
    // Whatever ended the body, keep the bytes that arrived for the next attempt.
    await watch.excuse(copy.settle());
  }
  if (unproven || (end !== undefined && copy.bytes < end)) return { kind: "retry", code: "CUT" };
  const isComplete = verdict.kind === "begin" || copy.bytes === copy.version.total;
  return { kind: isComplete ? "complete" : "more" };
}

/** Whether these first bytes of a body are enough to trust it; throws when they show that it is not the file. */
function isProof(head: Buffer, total: number | undefined, partBytes: number): boolean {
  if (!isGzip(head)) {
    if (head.length < SNIFFED_BYTES) return false;
    throw ownFailure("NOT_A_SNAPSHOT", whatItIs(head));
  }
  const least = partBytes * LEAST_SHARE;
  if (total !== undefined && total < least) throw tooSmall();
  return head.length >= Math.min(least, LONGEST_PROOF_BYTES);
}

function tooSmall() {
  return ownFailure("FILE_HOST_FAILED", {
    error: 200,
    detail: "What the file host sent is far smaller than the part that is here, which is kept.",
    hint: PAGE_HINT,
  });
}

type SpeedWatch = ReturnType<typeof watchSpeed>;

/**
 * Watches the speed of one request from its start. Counts ticks instead of reading the time, so that neither a clock that
 * jumps nor a computer that slept looks like a stall.
 */
export function watchSpeed(
  limits: Pick<Limits, "stallMs" | "lowSpeedBytesPerSecond" | "lowSpeedWindowMs">,
  clock: Pick<Clock, "sleep">,
) {
  const tickMs = Math.max(10, Math.min(1_000, Math.min(limits.stallMs, limits.lowSpeedWindowMs) / 10));
  const windowTicks = Math.ceil(limits.lowSpeedWindowMs / tickMs);
  const windowBytes = (limits.lowSpeedBytesPerSecond * limits.lowSpeedWindowMs) / 1_000;
  const slow = new AbortController();
  const stopped = new AbortController();
  /** Bytes per tick over the window, counted from the first byte on. */
  const ticks: number[] = [];
  let fresh = 0;
  let quietTicks = 0;
  let excused = 0;
  let hasBegun = false;

  async function run(): Promise<void> {
    for (;;) {
      try {
        await clock.sleep(tickMs, stopped.signal);
      } catch {
        // Stopped.
        return;
      }
      if (excused === 0 && endTick()) return slow.abort(new Error("The bytes arrive too slowly."));
    }
  }

  /** Closes the current tick; true if the bytes arrive too slowly. */
  function endTick(): boolean {
    quietTicks = fresh > 0 ? 0 : quietTicks + 1;
    if (hasBegun) ticks.push(fresh);
    fresh = 0;
    if (ticks.length > windowTicks) ticks.shift();
    const isTrickling = ticks.length >= windowTicks && ticks.reduce((sum, bytes) => sum + bytes, 0) < windowBytes;
    return isTrickling || quietTicks * tickMs >= limits.stallMs;
  }

  void run();
  return {
    /** Aborts when the file host stalls or trickles. */
    signal: slow.signal,
    received: (bytes: number): void => {
      hasBegun = true;
      fresh += bytes;
    },
    /** Does not count the time of our own work, such as writing to the disk, against the file host. */
    excuse: async (work: Promise<void>): Promise<void> => {
      excused += 1;
      try {
        await work;
      } finally {
        excused -= 1;
      }
    },
    stop: (): void => stopped.abort(),
  };
}
