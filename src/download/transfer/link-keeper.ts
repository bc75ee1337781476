import { ownFailure } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import type { KnownJobs, SnapshotIdentity, SnapshotLink, SnapshotSource } from "../contract.ts";
import type { Limits } from "../limits.ts";

/** What this process remembers of a snapshot's links between calls; never written anywhere. */
export interface LinkMemory {
  link?: SnapshotLink | undefined;
  /** URLs and job ids that the file host refused or that expired. */
  refused: Set<string>;
}

export interface LinkKeeper {
  /** The link to use now: the remembered one, else whatever the source finds. */
  current: (jobs: Omit<KnownJobs, "refused">, signal: AbortSignal) => Promise<SnapshotLink>;
  /** The file host refused the link; rejects with `LINK_EXPIRED` where another link would be refused as well. */
  refuse: (status: number) => Promise<void>;
  /** The transfer has come this far. */
  reached: (bytes: number) => void;
}

/** Told of a link that is refused though new: its job is worth more than another one. */
export interface KeptJob {
  current: () => string | undefined;
  keep: (restoreJobId: string | undefined) => Promise<void>;
}

/**
 * Replaces a refused link once; once more only after it brought the transfer forward. A new link that is
 * refused at its first use is not replaced before it expires, in later runs neither: the reason is not its age, most
 * likely an address missing from the access list, and each replacement would cost a job.
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
  let mark = options.startBytes;
  let furthest = options.startBytes;

  function hasProgressed(): boolean {
    return furthest - mark >= limits.progressBytes;
  }

  function drop(): void {
    if (memory.link) {
      memory.refused.add(memory.link.url);
      if (memory.link.restoreJobId) memory.refused.add(memory.link.restoreJobId);
    }
    memory.link = undefined;
    idleReplacements = hasProgressed() ? 1 : idleReplacements + 1;
    replaced += 1;
    mark = furthest;
  }

  function isWorthKeeping(link: SnapshotLink): boolean {
    const isAlive = link.expiresAt === undefined || clock.now() < link.expiresAt;
    const isKept = link.restoreJobId !== undefined && link.restoreJobId === kept.current();
    return (link === fresh || isKept) && isAlive && furthest === mark;
  }

  return {
    current: async ({ onRequest, onJob, ...jobs }, signal) => {
      // Whether it has expired is for the file host to say: this computer's clock may jump, and each new link costs a job.
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
      if (link && isWorthKeeping(link)) {
        await kept.keep(link.restoreJobId);
        throw expired(`It answered ${status}.`, status);
      }
      drop();
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
