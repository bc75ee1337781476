import { isAtlasId } from "../../core/atlas-id.ts";
import type { Clock } from "../../core/time.ts";
import type { KnownJobs, SnapshotLink } from "../contract.ts";
import type { StateFile, TransferState } from "../folder/state-file.ts";
import type { KeptJob } from "../transfer/link-keeper.ts";
import type { SaveStatus } from "./save-status.ts";

/** What the state file keeps of the download jobs of its snapshot. */
export interface JobNotes {
  known: () => Omit<KnownJobs, "refused">;
  /** Every request has come to its end, whichever way. */
  settled: () => void;
  /** The transfer goes on with this link, whose job is remembered. */
  uses: (link: SnapshotLink) => Promise<void>;
  kept: KeptJob;
}

type Jobs = Pick<TransferState, "restoreJobId" | "linkExpiresAt" | "requestedAt">;

export function createJobNotes(state: StateFile, status: SaveStatus, clock: Pick<Clock, "now">): JobNotes {
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
