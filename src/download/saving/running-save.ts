// One running save: what it works with, how far it is, and the reports that its callers get.
import type { Slots } from "../../core/concurrency.ts";
import type { ErrorEnvelope } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import type {
  FileExchange,
  RawSnapshotFacts,
  SaveReport,
  SaveState,
  SnapshotFacts,
  SnapshotIdentity,
  SnapshotLink,
  SnapshotSource,
  StoreLog,
} from "../contract.ts";
import type { DownloadDirectory } from "../folder/directory.ts";
import type { CheckedFile } from "../folder/records.ts";
import type { CheckedFiles } from "../folder/saved-files.ts";
import type { StartCheck } from "../integrity/archive-check.ts";
import type { Limits } from "../limits.ts";
import { restoreHere } from "../restore-guide.ts";
import type { FileRequester } from "../transfer/file-request.ts";
import type { HostPolicy } from "../transfer/host-policy.ts";

export interface RunningSave {
  identity: SnapshotIdentity;
  /** As the user gave it. */
  fileName: string | undefined;
  /** What the caller knows; the rest comes from Atlas. */
  known: Pick<RawSnapshotFacts, "projectName" | "clusterId">;
  byName: boolean;
  memory: LinkMemory;
  status: SaveStatus;
  // The rest is the same for all saves of a store.
  folder: string;
  filePrefix: string;
  source: SnapshotSource;
  requester: FileRequester;
  policy: HostPolicy;
  startCheck: StartCheck;
  slots: Slots;
  checkedFiles: CheckedFiles;
  clock: Clock;
  limits: Limits;
  log: StoreLog;
  onLink: (url: URL) => void;
  onExchange: ((exchange: FileExchange) => void) | undefined;
}

/** The links of a snapshot that this process remembers between calls; never written to disk. */
export interface LinkMemory {
  link?: SnapshotLink | undefined;
  /** URLs and job ids that expired or that the file host refused. */
  refused: Set<string>;
}

/** How far a save is, in bytes on the disk. */
interface Position {
  bytes: number;
  total?: number | undefined;
  /** How many of these bytes an earlier attempt had saved. */
  resumedFrom?: number;
}

/** The changing state of a running save, from which each report is made. */
interface SaveStatus {
  state: SaveState;
  /** Known once Atlas has described the snapshot. */
  file: { fileName: string; path: string } | undefined;
  facts: SnapshotFacts | undefined;
  linkExpiresAt: number | undefined;
  /** While a job is being requested: settles when that request has ended. */
  requestInFlight: Promise<void> | undefined;
  /** Later reports call `position`. */
  follow: (position: () => Position) => void;
  /** Freezes progress at the offset that a resume will start from. */
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
    facts: undefined,
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
    const { state, file, facts } = status;
    const { bytes, total: totalBytes, resumedFrom: resumedFromBytes = 0 } = position();
    const speed = state === "downloading" ? rate.bytesPerSecond() : undefined;
    const secondsLeft = speed && totalBytes !== undefined ? Math.ceil((totalBytes - bytes) / speed) : undefined;
    const all = [...warnings, ...outlivesLink(secondsLeft)];
    return {
      state,
      bytes,
      ...file,
      ...(facts && { facts }),
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

const WINDOW_MS = 10_000;
const SAMPLE_MS = 250;
const SILENT_MS = 5_000;

/** Averages over the last ten seconds: steady enough to show, quick enough to follow the line. */
export function createRateMeter(now: () => number) {
  let samples: { at: number; sum: number }[] = [];
  let last = Number.NEGATIVE_INFINITY;
  let sum = 0;
  return {
    add: (bytes: number): void => {
      const at = now();
      last = at;
      // The clock was set back: older samples are useless.
      if (at < (samples.at(-1)?.at ?? at)) samples = [];
      if (at - (samples.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= SAMPLE_MS) samples.push({ at, sum });
      sum += bytes;
      while (samples.length > 1 && at - (samples[0]?.at ?? at) > WINDOW_MS) samples.shift();
    },
    /** Undefined until the samples span enough time. */
    bytesPerSecond: (): number | undefined => {
      // Nothing has come for a while, so the average says nothing of what is to come.
      if (now() - last > SILENT_MS) return undefined;
      const first = samples[0];
      const spanMs = first ? now() - first.at : 0;
      return first && spanMs >= SAMPLE_MS ? Math.round(((sum - first.sum) * 1_000) / spanMs) : undefined;
    },
  };
}

/** A finished file as its record describes it, with how to restore it on this computer; `warnings` come first. */
export function completeReport(
  directory: DownloadDirectory,
  fileName: string,
  record: CheckedFile,
  warnings: readonly string[] = [],
): SaveReport {
  const all = [...warnings, ...doubtsAbout(record)];
  const { bytes, sha256, sound, integrity, contents, facts } = record;
  const path = directory.at(fileName);
  return {
    state: "complete",
    fileName,
    path,
    facts,
    bytes,
    totalBytes: bytes,
    sha256,
    sound,
    integrity,
    contents,
    ...restoreHere(record, { path, isOpen: directory.warning !== undefined }, facts),
    ...(all.length > 0 && { warnings: all }),
  };
}

function doubtsAbout({ sound, integrity, contents }: CheckedFile): string[] {
  const doubts: string[] = [];
  if (integrity.length === "unknown")
    doubts.push(
      "The file host named no length: that nothing is missing at the end shows in the file's own checksums and end mark only.",
    );
  if (sound && contents.kind === "unknown")
    doubts.push(
      "The file arrived whole, but its contents were not recognised as a data directory or a dump: it may be no backup.",
    );
  return doubts;
}

/** The warning for a call that names another cluster than the recorded one; `name` is the recorded, valid name. */
export function recordedAs(name: string): string {
  return `This snapshot is recorded as one of the cluster ${name}, which is not the cluster of this call.`;
}
