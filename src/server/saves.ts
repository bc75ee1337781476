// A save as a person asks for it, by the name of a cluster: shares and remembers lookups, then begins or joins the save.
import { randomUUID } from "node:crypto";
import { checkAllowed } from "../atlas/look.ts";
import { Failure } from "../core/errors.ts";
import type { Log } from "../core/logger.ts";
import type { Clock } from "../core/time.ts";
import type { SaveReport, WaitOptions } from "../download/contract.ts";
import type { SaveAnswer, SaveOrder, Saves } from "../tools/tool.ts";
import { type FindOptions, findTarget, type Target } from "./find-target.ts";

/** Reading hundreds of projects takes a while; the lookup goes on between calls. */
const LOOKUP_LIMIT_MS = 120_000;

interface SavesOptions extends FindOptions {
  log: Pick<Log, "info" | "warn">;
  /** See `SnapshotStoreOptions`. */
  outlivesCalls: boolean;
}

/** How often a call that waits for the lookup hears of it. */
const QUIET_MS = 10_000;

/** More saves than anybody watches at once. */
const MAX_TICKETS = 32;

/** A failure that no call heard of is given to the next one that asks for the same, unless it is older. */
const MISSED_LIFE_MS = 600_000;

/** A lookup that runs; calls that ask for the same share it. */
interface Lookup {
  name: string;
  target: Promise<Target>;
  /** How many calls wait for it. */
  waiting: number;
  /** What a call gets that ends before it. No two lookups, of this process or another, have the same. */
  ticket: string;
}

export function createSaves(options: SavesOptions): Saves & { close: () => void } {
  const { store, clock, log, outlivesCalls } = options;
  const closed = new AbortController();
  // All by what was asked for.
  const lookups = new Map<string, Lookup>();
  /** What was found for a save that may still run. */
  const found = new Map<string, Target>();
  const missed = new Map<string, { failure: Failure; at: number }>();
  /** The snapshots that were found after their calls had ended, by ticket. */
  const claims = new Map<string, string>();

  function lookUp(key: string, { name, groupId, snapshotId }: SaveOrder): Lookup {
    const shared = lookups.get(key);
    if (shared) return shared;
    const limits = { deadline: clock.now() + LOOKUP_LIMIT_MS, signal: closed.signal };
    const lookup = {
      name,
      target: findTarget({ name, groupId, snapshotId }, options, limits),
      waiting: 0,
      ticket: randomUUID(),
    };
    lookups.set(key, lookup);
    lookup.target.then(
      (target) => {
        lookups.delete(key);
        found.set(key, target);
      },
      (error) => {
        lookups.delete(key);
        if (lookup.waiting === 0) miss(key, name, error);
      },
    );
    return lookup;
  }

  function miss(key: string, cluster: string, error: unknown): void {
    if (!(error instanceof Failure)) return;
    missed.set(key, { failure: error, at: clock.ticks() });
    log.warn({ cluster, code: error.code ?? error.envelope.error }, "a save failed after its call had ended");
  }

  /** The failure of an earlier call, or what an earlier call found while that is still being saved. */
  function remembered(key: string): Target | undefined {
    const failed = missed.get(key);
    missed.delete(key);
    if (failed && clock.ticks() - failed.at < MISSED_LIFE_MS) throw failed.failure;
    const target = found.get(key);
    if (target && store.isSaving(target)) return target;
    found.delete(key);
    return undefined;
  }

  async function save(order: SaveOrder, wait: WaitOptions<SaveReport>): Promise<SaveAnswer> {
    const { name, groupId, snapshotId, fileName } = order;
    if (groupId !== undefined) checkAllowed(groupId, options.allowedProjects);
    const request = (target: Target) => ({
      groupId: target.groupId,
      name,
      snapshotId: target.snapshotId,
      projectName: target.projectName,
      clusterId: target.clusterId,
      byName: snapshotId === undefined,
      ...(fileName !== undefined && { fileName }),
    });
    if (groupId !== undefined && snapshotId !== undefined) {
      const target = { groupId, snapshotId, notes: [] };
      return { ...(await store.save(request(target), wait)), target: { groupId, snapshotId } };
    }
    const key = JSON.stringify([name, groupId, snapshotId]);
    const until = clock.ticks() + wait.waitMs;
    let target = remembered(key);
    if (!target) {
      const lookup = lookUp(key, order);
      target = await waitFor(lookup);
      if (!target) return { state: "requesting", bytes: 0, ticket: lookup.ticket };
    }
    const waitMs = Math.max(0, until - clock.ticks());
    const report = await store.save(request(target), { ...wait, waitMs });
    const warnings = [...target.notes, ...(report.warnings ?? [])];
    const { groupId: project, projectName, snapshotId: snapshot } = target;
    return {
      ...report,
      ...(warnings.length > 0 && { warnings }),
      target: { groupId: project, snapshotId: snapshot, ...(projectName !== undefined && { projectName }) },
    };

    /** What was found, or undefined if the wait ends first: the save then begins without a call. */
    async function waitFor(lookup: Lookup): Promise<Target | undefined> {
      lookup.waiting += 1;
      try {
        const target = await within(lookup.target, wait, clock);
        if (!target) begin(lookup);
        return target;
      } catch (error) {
        if (wait.signal.aborted && outlivesCalls) {
          log.info({ cluster: name }, "a call has ended; the lookup and its save go on without it");
          begin(lookup);
        }
        throw error;
      } finally {
        lookup.waiting -= 1;
      }
    }

    function begin(lookup: Lookup): void {
      lookup.target.then(
        (target) => {
          claim(lookup.ticket, target.snapshotId);
          return store
            .save(request(target), { waitMs: 0, signal: closed.signal })
            .catch((error: unknown) => miss(key, name, error));
        },
        () => undefined, // `lookUp` keeps the failure.
      );
    }
  }

  function claim(ticket: string, snapshotId: string): void {
    claims.set(ticket, snapshotId);
    const [oldest = ""] = claims.keys();
    if (claims.size > MAX_TICKETS) claims.delete(oldest);
  }

  async function settled(signal: AbortSignal): Promise<void> {
    const ended = Promise.allSettled([...lookups.values()].map(({ target }) => target));
    const over = new AbortController();
    const patience = clock.sleep(LOOKUP_LIMIT_MS, AbortSignal.any([signal, closed.signal, over.signal]));
    await Promise.race([ended, patience]).finally(() => over.abort());
    // What waits for a lookup begins its save first.
    await new Promise((resolve) => setImmediate(resolve));
  }

  const lookingUp = () => [...new Set([...lookups.values()].map(({ name }) => name))];
  return { save, settled, lookingUp, found: () => Object.fromEntries(claims), close: () => closed.abort() };
}

/** The result of the work, or undefined if the wait ends first. Reports every ten seconds that the lookup goes on. */
async function within<T>(
  work: Promise<T>,
  { waitMs, signal, onProgress }: WaitOptions<SaveReport>,
  clock: Clock,
): Promise<T | undefined> {
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const end = clock.ticks() + waitMs;
  const patience = async () => {
    for (;;) {
      await clock.sleep(Math.min(QUIET_MS, end - clock.ticks()), until);
      if (clock.ticks() >= end) return undefined;
      onProgress?.({ state: "requesting", bytes: 0 });
    }
  };
  const waiting = patience();
  try {
    return await Promise.race([work, waiting]);
  } finally {
    over.abort();
    waiting.catch(() => undefined);
  }
}
