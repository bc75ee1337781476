// Transfers the file and checks it, once more if the check fails; keeps note of the download jobs in the state file.
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
import type { RunningSave, SaveStatus } from "./running-save.ts";

/**
 * Transfers the file and checks it. Discards a file that fails its check and fetches it once more; rejects with
 * `FILE_DAMAGED` when that file fails too.
 */
export async function fetchSound(
  save: RunningSave,
  { copy, state, log }: { copy: LocalCopy; state: StateFile; log: Transfer["log"] },
  signal: AbortSignal,
): Promise<CheckedFile> {
  const { source, identity, memory, status, requester, policy, clock, limits } = save;
  status.follow(() => ({
    bytes: copy.bytes,
    // A host that names no length: the size is known once every byte has arrived.
    total: state.current.total ?? state.current.receivedBytes,
    resumedFrom: copy.resumedFromBytes,
  }));
  const jobs = createJobNotes(state, status, clock);
  const { kept } = jobs;
  const links = createLinkKeeper({ source, identity, memory, clock, limits, startBytes: copy.bytes, kept });

  async function nextLink(): Promise<SnapshotLink> {
    if (!memory.link) status.state = "requesting";
    const link = await links.current(jobs.known(), signal).finally(jobs.requestEnded);
    await jobs.uses(link);
    status.linkExpiresAt = link.expiresAt;
    status.state = "downloading";
    return link;
  }

  const { received: onBytes, interrupted: onInterruption, warn } = status;
  for (;;) {
    await transferFile(
      { copy, nextLink, links, requester, policy, clock, limits, onBytes, onInterruption, warn, log },
      signal,
    );
    status.state = "verifying";
    const report = await copy.verify(signal);
    const integrity = judgeIntegrity(report, state.current);
    if (isSound(integrity)) return recordOf(report, integrity, state.current, clock.now());
    log({ event: "file-damaged", bytes: report.bytes, why: report.notes.join(" ") });
    if (state.current.damagedOnce) throw damaged(integrity);
    warn("The first complete file failed its check, so it was discarded and fetched again.");
    await copy.startOver({}, { damagedOnce: true });
  }
}

const NO_MD5 =
  "The file host's ETag looks like an MD5 but is not that of the file, whose length and gzip checksums are right: hosts that encrypt send such ETags.";

/**
 * S3 with KMS (by default), MinIO and content networks send ETags that look like an MD5 but are not. So a different ETag is
 * no evidence against a file whose announced length and own checksums are all right.
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

function recordOf(report: ArchiveReport, integrity: Integrity, state: TransferState, now: number): CheckedFile {
  const { identity, facts, etag } = state;
  const { bytes, sha256, contents } = report;
  const savedAt = new Date(now).toISOString();
  return { identity, facts, bytes, sha256, integrity, contents, savedAt, ...(etag !== undefined && { etag }) };
}

function damaged({ gzip, length, md5, notes = [] }: Integrity) {
  const found = [gzip !== "ok" && "gzip", length === "wrong" && "length", md5 === "wrong" && "MD5"].filter(Boolean);
  const detail = `The complete file failed its check (${found.join(", ")}) and was discarded, twice. ${notes.join(" ")}`;
  return ownFailure("FILE_DAMAGED", { detail: detail.trim() });
}

type Jobs = Pick<TransferState, "restoreJobId" | "linkExpiresAt" | "requestedAt">;

/** What the state file remembers of the snapshot's download jobs, so that no later attempt requests one too many. */
function createJobNotes(state: StateFile, status: SaveStatus, clock: Pick<Clock, "now">) {
  let resolveRequest = () => {};

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

  function requestEnded(): void {
    resolveRequest();
    status.requestInFlight = undefined;
  }

  /** What the source is told, with the callbacks that write down a request before it is sent, and its outcome. */
  function known(): Omit<KnownJobs, "refused"> {
    const { linkExpiresAt, ...rest } = jobs();
    let before: Jobs = {};
    return {
      ...rest,
      onRequest: async () => {
        before = jobs();
        status.requestInFlight = new Promise((resolve) => {
          resolveRequest = resolve;
        });
        await replace({ requestedAt: clock.now() });
      },
      onJob: async (restoreJobId) => {
        if (restoreJobId !== undefined) await state.merge(jobOf(restoreJobId));
        // No job was created. An earlier request whose job was never found counts as answered too.
        else await replace(before.restoreJobId === undefined ? {} : before);
        requestEnded();
      },
    };
  }

  /** The transfer continues with this link, so its job is remembered. */
  async function uses(link: SnapshotLink): Promise<void> {
    const before = jobs();
    const restoreJobId = link.restoreJobId ?? before.restoreJobId;
    if (restoreJobId === before.restoreJobId && link.expiresAt === before.linkExpiresAt) return;
    const isRequested = restoreJobId === before.restoreJobId && before.requestedAt !== undefined;
    await replace({
      ...jobOf(restoreJobId),
      ...(isRequested && { requestedAt: before.requestedAt }),
      ...(link.expiresAt !== undefined && { linkExpiresAt: link.expiresAt }),
    });
  }

  const kept: KeptJob = {
    current: () => state.current.refusedJobId,
    keep: async (restoreJobId) => {
      const { restoreJobId: refusedJobId } = jobOf(restoreJobId);
      if (refusedJobId !== undefined) await state.merge({ refusedJobId });
    },
  };

  return { known, requestEnded, uses, kept };
}

/** Keeps only ids of Atlas's form, since the id becomes part of a request's path. */
function jobOf(restoreJobId: string | undefined): { restoreJobId?: string } {
  return restoreJobId !== undefined && isAtlasId(restoreJobId) ? { restoreJobId } : {};
}
