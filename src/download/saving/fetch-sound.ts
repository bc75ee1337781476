import { isAtlasId } from "../../core/atlas-id.ts";
import { ownFailure } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import { type Integrity, isSound, type KnownJobs, type SnapshotLink } from "../contract.ts";
import type { LocalCopy } from "../folder/local-copy.ts";
import type { CheckedFile, StateFile, TransferState } from "../folder/records.ts";
import type { ArchiveReport } from "../integrity/archive-check.ts";
import type { ObjectVersion } from "../snapshot.ts";
import { createLinkKeeper, type KeptJob } from "../transfer/link-keeper.ts";
import { type Transfer, transferFile } from "../transfer/transfer.ts";
import type { SaveStatus } from "./report.ts";
import type { SaveOrder, SavingDeps } from "./saving-deps.ts";

interface Fetch extends Pick<SaveOrder, "identity" | "memory"> {
  copy: LocalCopy;
  state: StateFile;
  status: SaveStatus;
  log: Transfer["log"];
}

/**
 * Transfers the file and checks it; one that fails its check is discarded and fetched once more. Rejects with
 * `FILE_DAMAGED` when that one fails too.
 */
export async function fetchSound(deps: SavingDeps, fetch: Fetch, signal: AbortSignal): Promise<CheckedFile> {
  const { source, clock, limits } = deps;
  const { identity, memory, copy, state, status, log } = fetch;
  status.follow(() => ({
    bytes: copy.bytes,
    // Where the host names no length, it is known once every byte is here.
    total: state.current.total ?? state.current.receivedBytes,
    resumedFrom: copy.resumedFromBytes,
  }));
  const notes = createJobNotes(state, status, clock);
  const { kept } = notes;
  const links = createLinkKeeper({ source, identity, memory, clock, limits, startBytes: copy.bytes, kept });

  async function nextLink(): Promise<SnapshotLink> {
    if (!memory.link) status.state = "requesting";
    const link = await links.current(notes.known(), signal).finally(notes.settled);
    await notes.uses(link);
    status.linkExpiresAt = link.expiresAt;
    status.state = "downloading";
    return link;
  }

  const { requester, policy } = deps;
  const { received: onBytes, interrupted: onInterruption, warn } = status;
  for (;;) {
    await transferFile(
      { copy, nextLink, links, requester, policy, clock, limits, onBytes, onInterruption, warn, log },
      signal,
    );
    status.state = "verifying";
    const report = await copy.verify(signal);
    const integrity = judgeIntegrity(report, state.current);
    if (isSound(integrity)) return recordOf(report, integrity, state, clock.now());
    log({ event: "file-damaged", bytes: report.bytes, why: report.notes.join(" ") });
    if (state.current.damagedOnce) throw damaged(integrity);
    warn("The first complete file failed its check, so it was discarded and fetched again.");
    await copy.startOver({}, { damagedOnce: true });
  }
}

/**
 * S3 with KMS by default, MinIO and content networks send ETags that look like an MD5 and are none. So one that does not fit
 * is no evidence against a file that has every announced byte and every checksum of its own right.
 */
function judgeIntegrity(report: ArchiveReport, { total, md5 }: ObjectVersion): Integrity {
  const length = total === undefined ? "unknown" : total === report.bytes ? "ok" : "wrong";
  const differs = md5 !== undefined && md5 !== report.md5;
  const isOtherwiseRight = report.gzip === "ok" && length === "ok";
  const notes = [...report.notes, ...(differs && isOtherwiseRight ? [NO_MD5] : [])];
  return {
    gzip: report.gzip,
    length,
    md5: md5 === undefined || (differs && isOtherwiseRight) ? "not-verifiable" : differs ? "wrong" : "ok",
    ...(notes.length > 0 && { notes }),
  };
}

const NO_MD5 =
  "The file host's ETag looks like an MD5 but is not that of the file, whose length and gzip checksums are right: hosts that encrypt send such ETags.";

function recordOf(report: ArchiveReport, integrity: Integrity, { current }: StateFile, now: number): CheckedFile {
  const { identity, facts, etag } = current;
  const { bytes, sha256, contents } = report;
  return {
    identity,
    facts,
    bytes,
    sha256,
    integrity,
    contents,
    savedAt: new Date(now).toISOString(),
    ...(etag !== undefined && { etag }),
  };
}

function damaged({ gzip, length, md5, notes = [] }: Integrity) {
  const found = [gzip !== "ok" && "gzip", length === "wrong" && "length", md5 === "wrong" && "MD5"].filter(Boolean);
  const detail = `The complete file failed its check (${found.join(", ")}) and was discarded, twice. ${notes.join(" ")}`;
  return ownFailure("FILE_DAMAGED", { detail: detail.trim() });
}

/** What the state file keeps of the download jobs of its snapshot. */
interface JobNotes {
  known: () => Omit<KnownJobs, "refused">;
  /** Every request has come to its end, whichever way. */
  settled: () => void;
  /** The transfer goes on with this link, whose job is remembered. */
  uses: (link: SnapshotLink) => Promise<void>;
  kept: KeptJob;
}

type Jobs = Pick<TransferState, "restoreJobId" | "linkExpiresAt" | "requestedAt">;

function createJobNotes(state: StateFile, status: SaveStatus, clock: Pick<Clock, "now">): JobNotes {
  let settle = () => {};

  function jobs(): Jobs {
    const { restoreJobId, linkExpiresAt, requestedAt } = state.current;
    return {
      ...(restoreJobId !== undefined && { restoreJobId }),
      ...(linkExpiresAt !== undefined && { linkExpiresAt }),
      ...(requestedAt !== undefined && { requestedAt }),
    };
  }

  function replace(next: Jobs): Promise<void> {
    const { restoreJobId, linkExpiresAt, requestedAt, ...rest } = state.current;
    return state.write({ ...rest, ...next });
  }

  function settled(): void {
    settle();
    status.requestInFlight = undefined;
  }

  return {
    known: () => {
      const { linkExpiresAt, ...known } = jobs();
      let before: Jobs = {};
      return {
        ...known,
        onRequest: async () => {
          before = jobs();
          status.requestInFlight = new Promise((resolve) => {
            settle = resolve;
          });
          await replace({ requestedAt: clock.now() });
        },
        onJob: async (restoreJobId) => {
          if (restoreJobId !== undefined) await state.merge(jobOf(restoreJobId));
          // A request before it whose job was never found counts as answered now.
          else await replace(before.restoreJobId === undefined ? {} : before);
          settled();
        },
      };
    },
    settled,
    uses: async ({ expiresAt, ...link }) => {
      const before = jobs();
      const restoreJobId = link.restoreJobId ?? before.restoreJobId;
      const own = restoreJobId === before.restoreJobId && before.requestedAt !== undefined;
      const next = {
        ...jobOf(restoreJobId),
        ...(own && { requestedAt: before.requestedAt }),
        ...(expiresAt !== undefined && { linkExpiresAt: expiresAt }),
      };
      if (restoreJobId !== before.restoreJobId || expiresAt !== before.linkExpiresAt) await replace(next);
    },
    kept: {
      current: () => state.current.refusedJobId,
      keep: async (restoreJobId) => {
        const { restoreJobId: refusedJobId } = jobOf(restoreJobId);
        if (refusedJobId !== undefined) await state.merge({ refusedJobId });
      },
    },
  };
}

/** Only an id of Atlas's form is kept: it becomes part of a request's path. */
function jobOf(restoreJobId: string | undefined): { restoreJobId?: string } {
  return restoreJobId !== undefined && isAtlasId(restoreJobId) ? { restoreJobId } : {};
}
