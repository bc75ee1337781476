// The links of a save: asks for them, replaces refused ones, and notes their download jobs in the state file.
import { isAtlasId } from "../../core/atlas-id.ts";
import { type Failure, ownFailure } from "../../core/errors.ts";
import type { SnapshotLink } from "../contract.ts";
import type { StateFile, TransferState } from "../folder/records.ts";
import type { Refusal } from "../transfer/response-judge.ts";
import type { TransferLinks } from "../transfer/transfer.ts";
import type { RunningSave } from "./running-save.ts";

/**
 * Replaces a refused link once, and again only after the replacement brought progress. A fresh link that is refused at its
 * first use is kept until it expires, in later runs too: its age is not the reason. Most likely this computer's address is
 * missing from the access list, and each replacement would cost a job.
 */
export function createLinks(save: RunningSave, state: StateFile, startBytes: number): TransferLinks {
  const { source, identity, memory, status, clock, limits } = save;
  let fresh: SnapshotLink | undefined;
  let replaced = 0;
  let idleReplacements = 0;
  let replacedAt = startBytes;
  let furthest = startBytes;

  /** Asks the source. Writes down a request for a job before the request is sent, and then its outcome. */
  async function find(signal: AbortSignal): Promise<SnapshotLink> {
    const { linkExpiresAt, ...jobs } = jobsIn(state);
    const isRefused = jobs.restoreJobId !== undefined && memory.refused.has(jobs.restoreJobId);
    let before: Jobs = {};
    let resolveRequest = () => {};
    const requestEnded = () => {
      resolveRequest();
      status.requestInFlight = undefined;
    };
    const known = {
      ...(!isRefused && jobs),
      refused: memory.refused,
      onRequest: async () => {
        before = jobsIn(state);
        status.requestInFlight = new Promise((resolve) => {
          resolveRequest = resolve;
        });
        await replaceJobs(state, { requestedAt: clock.now() });
      },
      onJob: async (restoreJobId: string | undefined) => {
        if (restoreJobId !== undefined) await state.merge(jobOf(restoreJobId));
        // No job was created. An earlier request whose job was never found counts as answered too.
        else await replaceJobs(state, before.restoreJobId === undefined ? {} : before);
        requestEnded();
      },
    };
    const link = await source.link(identity, known, signal).finally(requestEnded);
    if (memory.refused.has(link.url))
      throw ownFailure("LINK_EXPIRED", {
        detail: "The file host refused the link, and Atlas offers no other one yet.",
      });
    memory.link = link;
    if (link.isNew) fresh = link;
    return link;
  }

  function isAlive({ expiresAt }: SnapshotLink): boolean {
    return expiresAt === undefined || clock.now() < expiresAt;
  }

  function isUnusedAndFresh(link: SnapshotLink): boolean {
    const isKept = link.restoreJobId !== undefined && link.restoreJobId === state.current.refusedJobId;
    return (link === fresh || isKept) && isAlive(link) && furthest === replacedAt;
  }

  return {
    next: async (signal) => {
      if (!memory.link) status.state = "requesting";
      // Only the file host decides whether a link has expired: this computer's clock may jump, and each new link costs a job.
      const link = memory.link ?? (await find(signal));
      await noteJobOf(link, state);
      status.linkExpiresAt = link.expiresAt;
      status.state = "downloading";
      return link;
    },
    refuse: async (refusal) => {
      const { link } = memory;
      if (link && isUnusedAndFresh(link)) {
        const { restoreJobId: refusedJobId } = jobOf(link.restoreJobId);
        if (refusedJobId !== undefined) await state.merge({ refusedJobId });
        throw refused("LINK_REFUSED", refusal);
      }
      const isOld = refusal.reason === "expired" || furthest > replacedAt || (link !== undefined && !isAlive(link));
      if (link) memory.refused.add(link.url);
      if (link?.restoreJobId) memory.refused.add(link.restoreJobId);
      memory.link = undefined;
      idleReplacements = furthest - replacedAt >= limits.progressBytes ? 1 : idleReplacements + 1;
      replaced += 1;
      replacedAt = furthest;
      if (idleReplacements > 1 || replaced > limits.freshLinksPerRun)
        throw refused(isOld ? "LINK_EXPIRED" : "LINK_REFUSED", refusal);
    },
    reached: (bytes) => {
      furthest = Math.max(furthest, bytes);
    },
  };
}

/** What the state file remembers of the snapshot's download jobs, so that no later attempt requests an unnecessary job. */
type Jobs = Pick<TransferState, "restoreJobId" | "linkExpiresAt" | "requestedAt">;

function jobsIn({ current }: StateFile): Jobs {
  const { restoreJobId, linkExpiresAt, requestedAt } = current;
  return {
    ...(restoreJobId !== undefined && { restoreJobId }),
    ...(linkExpiresAt !== undefined && { linkExpiresAt }),
    ...(requestedAt !== undefined && { requestedAt }),
  };
}

function replaceJobs(state: StateFile, next: Jobs): Promise<void> {
  const { restoreJobId, linkExpiresAt, requestedAt, ...rest } = state.current;
  return state.write({ ...rest, ...next });
}

/** The transfer continues with this link, so its job is remembered. */
async function noteJobOf(link: SnapshotLink, state: StateFile): Promise<void> {
  const before = jobsIn(state);
  const restoreJobId = link.restoreJobId ?? before.restoreJobId;
  if (restoreJobId === before.restoreJobId && link.expiresAt === before.linkExpiresAt) return;
  const isRequested = restoreJobId === before.restoreJobId && before.requestedAt !== undefined;
  await replaceJobs(state, {
    ...jobOf(restoreJobId),
    ...(isRequested && { requestedAt: before.requestedAt }),
    ...(link.expiresAt !== undefined && { linkExpiresAt: link.expiresAt }),
  });
}

/** Keeps only ids of Atlas's form, since the id becomes part of a request's path. */
function jobOf(restoreJobId: string | undefined): { restoreJobId?: string } {
  return restoreJobId !== undefined && isAtlasId(restoreJobId) ? { restoreJobId } : {};
}

/** What a refusal means, and what helps where that is not what the table of errors says. */
const REFUSALS: Record<Refusal["reason"] | "bad-request", { means: string; hint?: string }> = {
  unknown: { means: "Most likely this computer's address is not on the project's IP access list." },
  clock: {
    means:
      "The time in the link is too far from the time of the host's clock. The clock of this computer is not involved.",
    hint: "Have the clock of the file host, or of the gateway in front of it, set right, then call again.",
  },
  signature: {
    means: "The signature of the link does not fit the request that arrived: something on the way changes requests.",
    hint: "Find the proxy or gateway that changes requests and exempt the file host from it, then call again.",
  },
  expired: {
    means: "It says that the link has expired.",
    hint: "Save another snapshot of the cluster, or call again in four hours, when a new link may be requested.",
  },
  "bad-request": {
    means: "It does not say why in words that this server knows; a proxy on the way may have answered in its place.",
    hint: "Check any proxy on the way and call again. If the answer is the same, save another snapshot of the cluster.",
  },
  missing: {
    means: "It has no file under the link.",
    hint: "Call again once; if it has none again, save another snapshot of the cluster.",
  },
};

function refused(code: "LINK_REFUSED" | "LINK_EXPIRED", { status, reason, code: hostsCode }: Refusal): Failure {
  // A host that refuses an address, or a link as such, answers 401 or 403.
  const { means, hint } = REFUSALS[reason === "unknown" && status === 400 ? "bad-request" : reason];
  const which = code === "LINK_REFUSED" ? "a fresh link" : "the link, which is no longer fresh";
  // The code of an expired link may be this server's own word for a message of the host.
  const answered = hostsCode === undefined || reason === "expired" ? String(status) : `${status} (${hostsCode})`;
  return ownFailure(code, {
    error: status,
    detail: `The file host refuses ${which}: it answered ${answered}. ${means}`,
    ...(hint !== undefined && (code === "LINK_REFUSED" || reason !== "expired") && { hint }),
  });
}
