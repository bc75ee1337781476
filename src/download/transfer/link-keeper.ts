// Keeps the link of a transfer and replaces it when the file host refuses it, unless a new link would be refused as well.
import { ownFailure } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import type { KnownJobs, SnapshotIdentity, SnapshotLink, SnapshotSource } from "../contract.ts";
import type { Limits } from "../limits.ts";

/** The links of a snapshot that this process remembers between calls; never written to disk. */
export interface LinkMemory {
  link?: SnapshotLink | undefined;
  /** URLs and job ids that expired or that the file host refused. */
  refused: Set<string>;
}

/** Remembers a job whose fresh link was refused, so that no further job is requested before that link expires. */
export interface KeptJob {
  current: () => string | undefined;
  keep: (restoreJobId: string | undefined) => Promise<void>;
}

export interface LinkKeeper {
  /** The link to use now: the remembered one, else the one that the source finds. */
  current: (jobs: Omit<KnownJobs, "refused">, signal: AbortSignal) => Promise<SnapshotLink>;
  /** The file host refused the link; rejects with `LINK_EXPIRED` where a new link would be refused as well. */
  refuse: (status: number) => Promise<void>;
  /** The transfer has reached this byte. */
  reached: (bytes: number) => void;
}

/**
 * Replaces a refused link once, and again only after the replacement brought progress. A fresh link that is refused at its
 * first use is kept until it expires, in later runs too: its age is not the reason. Most likely this computer's address is
 * missing from the access list, and each replacement would cost a job.
 */
export function createLinkKeeper(options: {
  source: SnapshotSource;
  identity: SnapshotIdentity;
  memory: LinkMemory;
  clock: Pick<Clock, "now">;
  limits: Pick<Limits, "progressBytes" | "freshLinksPerRun">;
  startBytes: number;
  kept: KeptJob;
}): LinkKeeper {
  const { source, identity, memory, clock, limits, kept } = options;
  let fresh: SnapshotLink | undefined;
  let replaced = 0;
  let idleReplacements = 0;
  let replacedAt = options.startBytes;
  let furthest = options.startBytes;

  function isUnusedAndFresh(link: SnapshotLink): boolean {
    const isAlive = link.expiresAt === undefined || clock.now() < link.expiresAt;
    const isKept = link.restoreJobId !== undefined && link.restoreJobId === kept.current();
    return (link === fresh || isKept) && isAlive && furthest === replacedAt;
  }

  return {
    current: async ({ onRequest, onJob, ...jobs }, signal) => {
      // Only the file host decides whether a link has expired: this computer's clock may jump, and each new link costs a job.
      if (memory.link) return memory.link;
      const isRefused = jobs.restoreJobId !== undefined && memory.refused.has(jobs.restoreJobId);
      const known = { ...(!isRefused && jobs), refused: memory.refused, onRequest, onJob };
      const link = await source.link(identity, known, signal);
      if (memory.refused.has(link.url)) throw expired("Atlas offers the refused link again.");
      memory.link = link;
      if (link.isNew) fresh = link;
      return link;
    },
    refuse: async (status) => {
      const { link } = memory;
      if (link && isUnusedAndFresh(link)) {
        await kept.keep(link.restoreJobId);
        throw expired(`It answered ${status}.`, status);
      }
      if (link) memory.refused.add(link.url);
      if (link?.restoreJobId) memory.refused.add(link.restoreJobId);
      memory.link = undefined;
      idleReplacements = furthest - replacedAt >= limits.progressBytes ? 1 : idleReplacements + 1;
      replaced += 1;
      replacedAt = furthest;
      if (idleReplacements > 1 || replaced > limits.freshLinksPerRun) throw expired(`It answered ${status}.`, status);
    },
    reached: (bytes) => {
      furthest = Math.max(furthest, bytes);
    },
  };
}

function expired(detail: string, status?: number) {
  return ownFailure("LINK_EXPIRED", {
    ...(status !== undefined && { error: status }),
    detail: `The file host refuses a fresh link. ${detail} Either it expired, or this computer's address is not on the project's IP access list.`,
  });
}
