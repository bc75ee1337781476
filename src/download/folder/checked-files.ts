import type { Stats } from "node:fs";

type FileStat = Pick<Stats, "ino" | "size" | "mtimeMs">;

/** Tells a file from what it was before, as well as that can be told without reading it. */
export function stampOf({ ino, size, mtimeMs }: FileStat): string {
  return `${ino}:${size}:${mtimeMs}`;
}

/** What this process found when it compared files with their records; holds until the file changes. */
export interface CheckedFiles {
  note: (path: string, stamp: string, isSound: boolean) => void;
  /** Undefined for a file that was not compared as it is now. */
  isSound: (path: string, stat: FileStat) => boolean | undefined;
}

export function createCheckedFiles(): CheckedFiles {
  const found = new Map<string, { stamp: string; isSound: boolean }>();
  return {
    note: (path, stamp, isSound) => void found.set(path, { stamp, isSound }),
    isSound: (path, stat) => {
      const known = found.get(path);
      return known?.stamp === stampOf(stat) ? known.isSound : undefined;
    },
  };
}
