// The names in the download folder: default and chosen file names, and the companion files of each archive.
import { ownFailure } from "../../core/errors.ts";
import { FILE_NAME, type SnapshotFacts, type SnapshotIdentity } from "../contract.ts";

const ENDING = /\.(tgz|tar\.gz)$/i;
/** Windows opens these names as devices, whatever follows the first dot. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/** Whether a saved snapshot can have this name: a plain file name with the ending of a gzipped tar. */
export function isArchiveName(name: string): boolean {
  return FILE_NAME.test(name) && ENDING.test(name) && !DEVICE.test(name);
}

/** The name that a user asked for, with prefix and ending added where they are missing; throws `INVALID_INPUT`. */
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

/** `<prefix><cluster>-<finish time as 20261122T0301Z>-<snapshotId>.tgz`; without the time when Atlas sent none. */
export function defaultFileName(prefix: string, { name, snapshotId }: SnapshotIdentity, facts: SnapshotFacts): string {
  const time = Date.parse(facts.finishTime ?? facts.startTime ?? facts.scheduledTime ?? "");
  const stamp = Number.isNaN(time) ? "" : `-${new Date(time).toISOString().replace(/[-:]/g, "").slice(0, 13)}Z`;
  return `${prefix}${name}${stamp}-${snapshotId}.tgz`;
}

/** The companion files of an archive. `lock` protects the file name, whichever snapshot is saved under it. */
export const beside = {
  part: (name: string) => `${name}.part`,
  state: (name: string) => `${name}.part.json`,
  lock: (name: string) => `${name}.lock`,
  record: (name: string) => `${name}.json`,
} as const;

/** The lock of a snapshot, whatever its file is called. */
export function snapshotLock({ groupId, snapshotId }: Pick<SnapshotIdentity, "groupId" | "snapshotId">): string {
  return `${groupId}-${snapshotId}.lock`;
}
