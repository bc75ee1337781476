import { ownFailure } from "../../errors.ts";
import type { Clock } from "../../http/send.ts";
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
  /** The file host refused the link; throws `LINK_EXPIRED` when the one before was refused too. */
  refuse: (status: number) => void;
  /** The transfer has come this far. */
  reached: (bytes: number) => void;
}

/** Replaces a refused or expiring link once; once more only after it brought the transfer forward. */
export function createLinkKeeper(options: {
  source: SnapshotSource;
  identity: SnapshotIdentity;
  memory: LinkMemory;
  clock: Pick<Clock, "now">;
  limits: Pick<Limits, "progressBytes" | "freshLinksPerRun" | "linkMarginMs">;
  startBytes: number;
}): LinkKeeper {
  const { source, identity, memory, clock, limits } = options;
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

  /** A clock that is wrong must not throw good links away, so one that brought nothing yet is tried, whatever the time. */
  function isUsedUp({ expiresAt }: SnapshotLink): boolean {
    return expiresAt !== undefined && clock.now() + limits.linkMarginMs >= expiresAt && hasProgressed();
  }

  return {
    current: async ({ onRequest, onJob, ...jobs }, signal) => {
      if (memory.link && isUsedUp(memory.link) && replaced < limits.freshLinksPerRun) drop();
      if (memory.link) return memory.link;
      const isRefused = jobs.restoreJobId !== undefined && memory.refused.has(jobs.restoreJobId);
      const known = { ...(!isRefused && jobs), refused: memory.refused, onRequest, onJob };
      const link = await source.link(identity, known, signal);
      if (memory.refused.has(link.url)) throw expired("Atlas offers the refused link again.");
      memory.link = link;
      return link;
    },
    refuse: (status) => {
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
    detail: `The file host refuses a fresh link too. ${detail} Either it expired, or this computer's address is not on the project's IP access list.`,
  });
}
