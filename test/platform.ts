import { TestRunner } from "vitest";

declare module "vitest" {
  interface TestTags {
    need: Need;
  }
}

const isWindows = process.platform === "win32";
const isWine = isWindows && process.env.ATLAS_FLEX_TEST_ON_WINE === "1";

/**
 * What a test may need and some systems lack. A test names its needs as tags, or calls `needs` for one row of a table, or
 * `needsFound` where only a look tells; where one is lacking it is skipped, and the end of the run counts the skipped tests.
 */
const NEEDS = [
  { name: "signals", skip: isWindows, description: "on Windows a signal from another process ends a process at once" },
  { name: "modes", skip: isWindows, description: "Windows has access control lists instead of owners and modes" },
  { name: "links", skip: isWindows, description: "Windows lets not every user make symbolic links" },
  { name: "moves", skip: isWindows, description: "Windows renames no folder while a file in it is open" },
  { name: "devices", skip: isWindows, description: "Windows has no devices among its files" },
  { name: "posix-paths", skip: isWindows, description: "the paths of Windows have a table of their own" },
  { name: "folder-sync", skip: isWindows, description: "Windows syncs no folder" },
  {
    name: "access-codes",
    skip: isWindows,
    description: "on Windows the code may also mean that a program has the file open",
  },
  { name: "pipes", skip: isWindows, description: "Windows has no named pipes among its files" },
  { name: "shell", skip: isWindows, description: "Windows has no POSIX shell, nor the programs of one" },
  { name: "linux", skip: process.platform !== "linux", description: "only Linux has /proc, /dev/full and setpriv" },
  { name: "root", skip: process.getuid?.() !== 0, description: "only root may give files to another user" },
  { name: "no-root", skip: process.getuid?.() === 0, description: "root may read what others closed" },
  { name: "mount", skip: false, description: "this user may not mount a small file system" },
  { name: "private-name", skip: false, description: "the name of this computer has no private address" },
  { name: "program", skip: false, description: "this computer lacks a program that reads archives" },
  {
    name: "holder",
    skip: false,
    description: "only the run on Wine builds a program that lets nobody rename or remove the files it has open",
  },
  {
    name: "paused-pipes",
    skip: isWine && Number(process.versions.node.split(".")[0]) < 22,
    description: "Node.js 20 on Wine reads a pipe to its end although its reader is paused",
  },
  { name: "npm", skip: isWine, description: "Node.js on Wine comes without npm" },
  { name: "wine", skip: isWine, description: "Wine does not end, or blocks, pipes as Windows does" },
] as const;

export type Need = (typeof NEEDS)[number]["name"];

/** The needs as the configuration of vitest expects them: `skip: false` of one tag would undo that of another. */
export const TAGS = NEEDS.map(({ name, skip, description }) => ({ name, description, ...(skip && { skip }) }));

/** Whether this system lacks something. */
export const lacks = (need: Need): boolean => NEEDS.some(({ name, skip }) => name === need && skip);

/** Skips the rest of the running test where a need is lacking. */
export function needs(...needed: readonly Need[]): void {
  for (const need of needed) if (lacks(need)) skip(need);
}

/** What the test found when it looked for it; skips the rest of the running test where there is none. */
export function needsFound<T>(need: Need, found: T | undefined): T {
  return found ?? skip(need);
}

function skip(need: Need): never {
  TestRunner.getCurrentTest()?.context.skip(need);
  throw new Error("no test is running");
}
