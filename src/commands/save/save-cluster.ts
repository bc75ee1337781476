// Saves the backup of one cluster with the store of the tools, waits for it to the end, and deletes older files if that is ordered.
import { attention } from "../../atlas/backups.ts";
import { Failure, ownFailure } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import type { SaveReport } from "../../download/contract.ts";
import { chooseBackup, type FindOptions, type Found, named, type Target } from "../../server/find-target.ts";
import type { Runtime } from "../../server/runtime.ts";
import type { Display } from "./display.ts";
import type { SaveOrder } from "./order.ts";
import { envelopeOf, type Outcome } from "./outcome.ts";

export interface Patience {
  /** How long a save waits for another process that saves the same backup. */
  elsewhereMs: number;
  /** How long a transfer may stay without a byte, waiting for Atlas included. */
  silentMs: number;
}

export const PATIENCE: Patience = { elsewhereMs: 60_000, silentMs: 900_000 };

/** Choosing a backup takes two requests, which are repeated where Atlas is busy. */
const CHOICE_LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 2_000;
/** Longer than any save: a transfer ends within 24 hours, and two run at once. */
const LONGEST_WAIT_MS = 20 * 24 * 3_600_000;

interface SaveTools extends FindOptions {
  store: Runtime["store"];
  display: Display;
  patience: Patience;
  signal: AbortSignal;
}

/** Rejects only for an unexpected error. */
export async function saveCluster(found: Found, label: string, order: SaveOrder, tools: SaveTools): Promise<Outcome> {
  const { display, clock, signal } = tools;
  const outcome: Outcome = { label, found };
  try {
    display.tell(label, "looking for the backup");
    const limits = { deadline: clock.now() + CHOICE_LIMIT_MS, signal };
    const project = await named(tools.atlas, found.project, limits, clock);
    outcome.target = await chooseBackup({ ...found, project }, order.snapshotId, tools, limits);
    const report = await saveBackup(found, outcome.target, label, tools);
    const warnings = [...outcome.target.notes, ...(report.warnings ?? [])];
    outcome.report = { ...report, ...(warnings.length > 0 && { warnings }) };
    if (order.keep !== undefined && report.state === "complete" && report.sound)
      outcome.kept = await keepNewest(order, order.keep, { label, target: outcome.target, report }, tools);
  } catch (error) {
    if (signal.aborted) return { ...outcome, isStopped: true };
    outcome.failure = envelopeOf(error);
    const { errorCode } = outcome.failure;
    if (order.names.length === 0 && errorCode === "NO_COMPLETE_SNAPSHOT" && owesNoBackup(found, clock))
      outcome.isTooYoung = true;
  } finally {
    display.remove(label);
  }
  return outcome;
}

const owesNoBackup = ({ cluster = {} }: Found, clock: Clock) =>
  attention([], { ...cluster, now: clock.now() }) === undefined;

/** Waits for another process that saves the same backup, then finds its file. */
async function saveBackup(found: Found, target: Target, label: string, tools: SaveTools): Promise<SaveReport> {
  const { clock, patience, display, signal } = tools;
  const until = clock.ticks() + patience.elsewhereMs;
  let isWaiting = false;
  for (;;) {
    try {
      return await saveOnce(found, target, label, tools, isWaiting);
    } catch (error) {
      const isElsewhere = error instanceof Failure && error.code === "SAVED_ELSEWHERE";
      if (!isElsewhere || clock.ticks() >= until) throw error;
      isWaiting = true;
      display.tell(label, "another process is saving this backup; waiting for it");
      await clock.sleep(Math.min(LOOK_AGAIN_MS, patience.elsewhereMs), signal);
    }
  }
}

/** While it waits for another process, what comes before the transfer is not shown. */
async function saveOnce(
  found: Found,
  target: Target,
  label: string,
  tools: SaveTools,
  isWaiting: boolean,
): Promise<SaveReport> {
  const { store, clock, display, patience, signal } = tools;
  const { groupId, snapshotId, projectName, clusterId } = target;
  const silent = new AbortController();
  let last = { bytes: -1, at: clock.ticks() };
  const onProgress = (report: SaveReport) => {
    if (!isWaiting || !["queued", "requesting"].includes(report.state)) display.show(label, report);
    const isMoving = report.bytes !== last.bytes || report.state === "queued" || report.state === "verifying";
    if (isMoving) last = { bytes: report.bytes, at: clock.ticks() };
    else if (clock.ticks() - last.at >= patience.silentMs) silent.abort();
  };
  try {
    return await store.save(
      { groupId, name: found.name, snapshotId, projectName, clusterId, byName: true },
      { waitMs: LONGEST_WAIT_MS, signal: AbortSignal.any([signal, silent.signal]), onProgress },
    );
  } catch (error) {
    if (!silent.signal.aborted || signal.aborted) throw error;
    const { bytes } = await store.stop(snapshotId, { discard: false, check: () => undefined, signal });
    const minutes = Math.round(patience.silentMs / 60_000);
    const lastError = ownFailure("TRANSFER_INTERRUPTED", {
      detail: `No byte arrived for ${minutes} minutes.`,
    }).envelope;
    return { state: "paused", bytes, lastError };
  }
}

async function keepNewest(
  { keepUnprotected }: SaveOrder,
  count: number,
  { label, target, report }: { label: string; target: Target; report: SaveReport },
  { store, display, signal }: SaveTools,
) {
  const { fileName = "", isOlder } = report;
  if (target.clusterId === undefined) return { removed: [], inUse: [], problem: NO_CLUSTER_ID };
  return store.keepNewest(
    {
      groupId: target.groupId,
      clusterId: target.clusterId,
      count,
      saved: { fileName, ...(isOlder && { isOlder }) },
      evenUnprotected: keepUnprotected,
    },
    {
      signal,
      onRead: (name, percent) => display.tell(label, "reading the older files that stay", `${name} ${percent}%`),
    },
  );
}

const NO_CLUSTER_ID =
  "Nothing was deleted. Atlas named no id of this cluster, so its files cannot be told from those of another one of its name.";
