import { ownFailure } from "../../core/errors.ts";
import { FILE_NAME, type SnapshotFacts, type SnapshotIdentity } from "../contract.ts";

const ENDING = /\.(tgz|tar\.gz)$/i;
/** Windows opens these as devices whatever follows the first dot. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/** Whether a name in the folder is one that a saved snapshot can have: a plain component that ends as a gzipped tar does. */
export function isArchiveName(name: string): boolean {
  return FILE_NAME.test(name) && ENDING.test(name) && !DEVICE.test(name);
}

/** The name a user asked for, with the ending it lacks and the prefix; rejects with `INVALID_INPUT`. */
export function chosenFileName(prefix: string, given: string): string {
  const complete = given.includes(".") ? given : `${given}.tgz`;
  const name = complete.startsWith(prefix) ? complete : `${prefix}${complete}`;
  if (!DEVICE.test(given) && isArchiveName(complete) && isArchiveName(name)) return name;
  const description =
    "Must be a plain file name that ends in .tgz or .tar.gz (.tgz is added to a name without a dot): letters, digits, " +
    `dots, hyphens and underscores, starting with a letter or digit, at most 121 characters${prefix && ` together with ${prefix} before it`}, no device name.`;
  throw ownFailure("INVALID_INPUT", {
    detail: `fileName cannot be used. ${description}`,
    badRequestDetail: { fields: [{ field: "fileName", description }] },
  });
}

/** `<prefix><cluster>-<finish time as 20261122T0301Z>-<snapshotId>.tgz`; without the time where Atlas named none. */
export function defaultFileName(prefix: string, { name, snapshotId }: SnapshotIdentity, facts: SnapshotFacts): string {
  const time = Date.parse(facts.finishTime ?? facts.startTime ?? facts.scheduledTime ?? "");
  const stamp = Number.isNaN(time) ? "" : `-${new Date(time).toISOString().replace(/[-:]/g, "").slice(0, 13)}Z`;
  return `${prefix}${name}${stamp}-${snapshotId}.tgz`;
}

/** The files that stand beside an archive. */
export const beside = {
  part: (name: string) => `${name}.part`,
  state: (name: string) => `${name}.part.json`,
  lock: (name: string) => `${name}.lock`,
  record: (name: string) => `${name}.json`,
} as const;

/** The lock of a snapshot, whatever its file is called; `beside.lock` is the lock of a file, whatever is in it. */
export function snapshotLock({ groupId, snapshotId }: Pick<SnapshotIdentity, "groupId" | "snapshotId">): string {
  return `${groupId}-${snapshotId}.lock`;
}

/** `name` is that of a file which this server saved, and which is no longer what was saved. */
export function changedSince(name: string) {
  return ownFailure("FILE_EXISTS", {
    detail: `${name} in the download folder was changed or damaged since it was saved: it is not what its record tells. It is neither overwritten nor removed.`,
    hint: "Do not restore from it. Save the snapshot under another fileName, or move this file away.",
  });
}

/** `name` is one that this server makes. */
export function nameTaken(name: string) {
  return ownFailure("FILE_EXISTS", {
    detail: `${name} in the download folder belongs to another file or transfer; it is neither overwritten nor removed.`,
  });
}
