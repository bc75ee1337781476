import { ownFailure } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import type { LocalCopy } from "../folder/local-copy.ts";
import type { Limits } from "../limits.ts";
import type { ObjectVersion } from "../snapshot.ts";

interface Receiver {
  copy: LocalCopy;
  watch: SpeedWatch;
  limits: Pick<Limits, "maxFileBytes">;
  onBytes: (bytes: number) => void;
}

/** How a body ended: with every byte, too early, or with more than was announced. */
type BodyEnd = "received" | "cut" | "overrun";

/** The first two bytes of every gzip member (RFC 1952 §2.3.1). */
function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** Appends the rest of a known version to the part. */
export async function receiveRest(body: AsyncIterable<Buffer>, total: number, receiver: Receiver): Promise<BodyEnd> {
  await receiver.copy.expect(total);
  return append(body, total, receiver);
}

/** A file does not shrink to less than this share of what is here already: that is some page in its place. */
const LEAST_SHARE = 0.01;
/** Longer than the pages that stand in for a file; held in memory until the part is given up. */
const LONGEST_PROOF_BYTES = 64 * 1024;

/**
 * Takes a body that holds the file from its first byte. What was there before is given up, and `onBegin` told, only once
 * the body has shown that it is a gzip file and no small one beside the part: a captive portal's page must not cost a
 * part. Rejects with `NOT_A_SNAPSHOT` or `FILE_HOST_FAILED` otherwise.
 */
export async function receiveWhole(
  body: AsyncIterable<Buffer>,
  version: ObjectVersion,
  receiver: Receiver,
  onBegin: () => void,
): Promise<BodyEnd> {
  let hasBegun = false;
  const begin = () => {
    hasBegun = true;
    onBegin();
  };
  const end = await append(opened(body, version, receiver, begin), version.total, receiver);
  return hasBegun ? end : "cut";
}

async function* opened(
  body: AsyncIterable<Buffer>,
  version: ObjectVersion,
  { copy, watch }: Receiver,
  onBegin: () => void,
) {
  const least = copy.bytes * LEAST_SHARE;
  const enough = Math.max(2, Math.min(least, LONGEST_PROOF_BYTES));
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of body) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    watch.received(chunk.length);
    head = Buffer.concat([head, chunk]);
    if (head.length < 2) continue;
    if (!isGzip(head)) throw ownFailure("NOT_A_SNAPSHOT");
    if (version.total !== undefined && version.total < least) throw tooSmall();
    if (head.length < enough) continue;
    onBegin();
    await watch.excuse(copy.startOver(version));
    yield head;
    head = undefined;
  }
  if (head === undefined) return;
  if (head.length < 2) throw ownFailure("NOT_A_SNAPSHOT", { detail: "What the file host sent is empty." });
  if (version.total === undefined) throw tooSmall();
}

function tooSmall() {
  return ownFailure("FILE_HOST_FAILED", {
    error: 200,
    detail: "What the file host sent is far smaller than the part that is here, which is kept.",
    hint: "A login page of a proxy or captive portal may have answered in place of the file host. Check the network, then call again.",
  });
}

async function append(body: AsyncIterable<Buffer>, total: number | undefined, receiver: Receiver): Promise<BodyEnd> {
  const { copy, watch, limits, onBytes } = receiver;
  const end = total ?? limits.maxFileBytes;
  let taken: number | undefined;
  try {
    for await (const chunk of body) {
      // Only now: until the first chunk came, a whole body had not replaced the part.
      taken = (taken ?? copy.bytes) + chunk.length;
      if (taken > end) {
        if (total === undefined) throw ownFailure("FILE_TOO_LARGE");
        return "overrun";
      }
      watch.received(chunk.length);
      onBytes(chunk.length);
      const wait = copy.append(chunk);
      if (wait) await watch.excuse(wait);
    }
  } finally {
    // Whatever ended the body, what arrived is kept for the next attempt.
    await watch.excuse(copy.settle());
  }
  return total === undefined || copy.bytes === total ? "received" : "cut";
}

interface SpeedWatch {
  /** Aborts when the other side stalls or trickles. */
  signal: AbortSignal;
  received: (bytes: number) => void;
  /** Time that passes in here is not the other side's. */
  excuse: <T>(work: Promise<T>) => Promise<T>;
  stop: () => void;
}

type SpeedLimits = Pick<Limits, "stallMs" | "lowSpeedBytesPerSecond" | "lowSpeedWindowMs">;

/**
 * Watches one request from its start. Counts ticks instead of reading the time, so neither a clock that jumps nor a
 * computer that slept looks like a stall.
 */
export function watchSpeed(limits: SpeedLimits, clock: Pick<Clock, "sleep">): SpeedWatch {
  const tickMs = Math.max(10, Math.min(1_000, Math.min(limits.stallMs, limits.lowSpeedWindowMs) / 10));
  const windowTicks = Math.ceil(limits.lowSpeedWindowMs / tickMs);
  const windowBytes = (limits.lowSpeedBytesPerSecond * limits.lowSpeedWindowMs) / 1_000;
  const slow = new AbortController();
  const stopped = new AbortController();
  const ticks: number[] = [];
  let fresh = 0;
  let quietTicks = 0;
  let excused = 0;
  let begun = false;

  async function run(): Promise<void> {
    for (;;) {
      try {
        await clock.sleep(tickMs, stopped.signal);
      } catch {
        // Stopped.
        return;
      }
      if (excused === 0) tick();
    }
  }

  function tick(): void {
    quietTicks = fresh > 0 ? 0 : quietTicks + 1;
    if (begun) ticks.push(fresh);
    fresh = 0;
    if (ticks.length > windowTicks) ticks.shift();
    const stalled = quietTicks * tickMs >= limits.stallMs;
    const trickling = ticks.length >= windowTicks && ticks.reduce((sum, bytes) => sum + bytes, 0) < windowBytes;
    if (stalled || trickling) {
      slow.abort(new Error(stalled ? "No byte arrived in time." : "The bytes arrive too slowly."));
      stopped.abort();
    }
  }

  void run();
  return {
    signal: slow.signal,
    received: (bytes) => {
      begun = true;
      fresh += bytes;
    },
    excuse: async (work) => {
      excused += 1;
      try {
        return await work;
      } finally {
        excused -= 1;
      }
    },
    stop: () => stopped.abort(),
  };
}
