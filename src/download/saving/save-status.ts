import type { ErrorEnvelope } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import type { SaveReport, SaveState } from "../contract.ts";
import { createRateMeter } from "./rate-meter.ts";

/** How far a save is, in bytes on the disk. */
interface Position {
  bytes: number;
  total?: number | undefined;
  /** Of those bytes, what an earlier attempt had saved. */
  resumedFrom?: number;
}

/** What is known of a running save; a report is a picture of it. */
export interface SaveStatus {
  state: SaveState;
  /** Known once the snapshot was looked up. */
  file: { fileName: string; path: string } | undefined;
  linkExpiresAt: number | undefined;
  /** Settles when the request for a job that is on its way, if one is, has come to its end. */
  requestInFlight: Promise<void> | undefined;
  /** From now on every report asks here how far the save is. */
  follow: (position: () => Position) => void;
  /** The save has ended, and so many bytes count when it goes on. */
  restAt: (bytes: number) => void;
  received: (bytes: number) => void;
  interrupted: () => void;
  warn: (warning: string) => void;
  report: () => SaveReport;
  paused: (lastError?: ErrorEnvelope) => SaveReport;
}

export function createSaveStatus(clock: Pick<Clock, "now">): SaveStatus {
  const rate = createRateMeter(clock.now);
  const warnings = new Set<string>();
  let interruptions = 0;
  let position = (): Position => ({ bytes: 0 });
  const status: SaveStatus = {
    state: "requesting",
    file: undefined,
    linkExpiresAt: undefined,
    requestInFlight: undefined,
    follow: (next) => {
      position = next;
    },
    restAt: (bytes) => {
      const last = position();
      position = () => ({ ...last, bytes });
    },
    received: rate.add,
    interrupted: () => {
      interruptions += 1;
    },
    warn: (warning) => void warnings.add(warning),
    report,
    paused: (lastError) => {
      status.state = "paused";
      return { ...report(), ...(lastError && { lastError }) };
    },
  };

  function report(): SaveReport {
    const { state, file } = status;
    const { bytes, total: totalBytes, resumedFrom: resumedFromBytes = 0 } = position();
    const speed = state === "downloading" ? rate.bytesPerSecond() : undefined;
    const secondsLeft = speed && totalBytes !== undefined ? Math.ceil((totalBytes - bytes) / speed) : undefined;
    const all = [...warnings, ...outlivesLink(secondsLeft)];
    return {
      state,
      bytes,
      ...file,
      ...(totalBytes !== undefined && { totalBytes }),
      ...(speed !== undefined && { bytesPerSecond: speed }),
      ...(secondsLeft !== undefined && { secondsLeft }),
      ...(resumedFromBytes > 0 && { resumedFromBytes }),
      ...(interruptions > 0 && { interruptions }),
      ...(all.length > 0 && { warnings: all }),
    };
  }

  function outlivesLink(secondsLeft: number | undefined): string[] {
    const { linkExpiresAt } = status;
    if (secondsLeft === undefined || linkExpiresAt === undefined) return [];
    if (clock.now() + secondsLeft * 1_000 < linkExpiresAt) return [];
    return [
      "At this rate the link expires before the transfer ends; if it then breaks off, a fresh link is requested.",
    ];
  }

  return status;
}
