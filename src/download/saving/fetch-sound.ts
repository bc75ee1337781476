import { ownFailure } from "../../core/errors.ts";
import type { Integrity, SnapshotLink } from "../contract.ts";
import type { LocalCopy } from "../folder/local-copy.ts";
import type { CheckedFile } from "../folder/record.ts";
import type { StateFile } from "../folder/state-file.ts";
import type { ArchiveReport } from "../integrity/archive-check.ts";
import type { ObjectVersion } from "../object-version.ts";
import { isSound } from "../soundness.ts";
import { createLinkKeeper } from "../transfer/link-keeper.ts";
import { type Transfer, transferFile } from "../transfer/transfer.ts";
import { createJobNotes } from "./job-notes.ts";
import type { SaveStatus } from "./save-status.ts";
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
