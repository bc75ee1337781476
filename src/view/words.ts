// What the view says of each state, to the person and to the model.

/** Where a save stands. Every text is fit to show; what is not known is empty, and a number that is not known is 0. */
export interface Save {
  phase: Phase;
  groupId: string;
  name: string;
  snapshotId: string;
  project: string;
  when: string;
  bytes: number;
  totalBytes: number;
  timeLeft: string;
  rate: string;
  path: string;
  sha256: string;
  /** The archive in the finished file is incomplete. */
  isUnsound: boolean;
  /** Why it stands still. */
  reason: string;
  /** The ticket of a lookup that goes on after its call. */
  claim: string;
}

/** Of each state: title, tone of its colour, and what the title does not say. */
const WORDS = {
  requesting: ["Waiting for Atlas", "info", "Begins by itself."],
  queued: ["Queued", "info", "Begins when another download ends."],
  downloading: ["Downloading", "info"],
  verifying: ["Verifying", "info"],
  paused: ["Paused", "warning"],
  elsewhere: ["Saved elsewhere", "info", "By another program."],
  complete: ["Complete", "success", "Saved and verified."],
  unsound: ["Incomplete", "danger", "The archive is incomplete: do not restore from it."],
  changed: ["Changed", "danger", "The file was written to after its save. Ask to verify it."],
  // States of the view alone.
  looking: ["Looking for the backup", "info"],
  failed: ["Not saved", "danger", "The assistant knows what helps."],
  discarded: ["Given up", "warning", "The unfinished part is deleted."],
  gone: ["Not running", "warning", "The assistant can list what is saved."],
} as const;

export type Phase = keyof typeof WORDS;
export const isPhase = (state: string): state is Phase => Object.hasOwn(WORDS, state);

export const wordsOf = ({ phase, isUnsound }: Save): readonly [title: string, tone: string, note?: string] =>
  WORDS[isUnsound ? "unsound" : phase];

/** As `sizeInWords` in core/text.ts, which is too large for this page. */
export function sizeInWords(bytes: number): string {
  const power = bytes < 1e3 ? 0 : bytes < 1e6 ? 1 : bytes < 1e9 ? 2 : 3;
  return `${power ? (bytes / 1e3 ** power).toFixed(1) : bytes} ${["bytes", "kB", "MB", "GB"][power]}`;
}

/** Undefined where the size is not known. */
export const percentOf = ({ bytes, totalBytes }: Save) =>
  totalBytes > 0 ? Math.min(100, Math.floor((bytes * 100) / totalBytes)) : undefined;

/** How far it is, as far as that is known. */
export function progressOf(save: Save): unknown[] {
  const { bytes, totalBytes, rate, timeLeft } = save;
  const size = bytes > 0 && sizeInWords(bytes);
  return totalBytes
    ? [`${percentOf(save)} %`, `${size || 0} of ${sizeInWords(totalBytes)}`, rate, timeLeft && `about ${timeLeft} left`]
    : [size, rate];
}

/** What the model should know when a save ends or the person acts: our words, ids and numbers, nothing foreign. */
export function toldToModel({ phase, groupId, snapshotId, bytes, isUnsound }: Save, who: string): string {
  const ids = `groupId ${groupId}, snapshotId ${snapshotId}`;
  return /^\w+ [a-f0-9]{24}, \w+ [a-f0-9]{24}$/.test(ids)
    ? `View of a save, ${ids}: ${isUnsound ? "unsound" : phase}${bytes ? `, ${bytes} bytes` : ""}, ${who}.`
    : "";
}
