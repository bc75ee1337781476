// Who else may write to a folder: the table that decides whether snapshots may be saved into it.
import { constants, type Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { hasCode } from "../../core/errors.ts";
import { posixQuote } from "../../core/text.ts";
import { entryOfOpen, NO_FOLLOW, removeFile, scratchName, withFile } from "./file-system.ts";

export type Entry = Pick<Stats, "uid" | "gid" | "mode">;

/** The user and group of this process; POSIX only. */
export interface User {
  uid: number;
  gid: number;
}

/** Why a folder is not this user's alone, and what the person can do. */
export interface Openness {
  /** Completes a sentence that begins with the folder. */
  why: string;
  hint?: string;
}

/** Nobody should take these from the other users. */
const SHARED_BY_ALL = ["/tmp", "/var/tmp", "/dev/shm", "/private/tmp", "/private/var/tmp"];

const STICKY = 0o1000;
const GROUP_MAY_WRITE = 0o020;
const OTHERS_MAY_WRITE = 0o002;

/** Undefined on Windows, where neither numbers of users nor modes mean anything. */
export function thisUser(): User | undefined {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

/**
 * Undefined when only this user can put files into the folder:
 *
 * | Owner | Others may write | Group may write | Then |
 * | --- | --- | --- | --- |
 * | another user, root included | any | any | open |
 * | this user | yes, with the sticky bit or without | any | open |
 * | this user | no | yes, and it is not this user's private group | open |
 * | this user | no | yes, and it is the user's private group | private |
 * | this user | no | no | private |
 *
 * A private group has the number of its user, as Debian and Fedora create it, and is the group of this process.
 */
export function opennessOf({ uid, gid, mode }: Entry, path: string, user: User): Openness | undefined {
  if (uid !== user.uid) return { why: "belongs to another user" };
  const everyone = (mode & OTHERS_MAY_WRITE) !== 0;
  const group = (mode & GROUP_MAY_WRITE) !== 0;
  if (!everyone && (!group || isPrivate(gid, user))) return undefined;
  const who = everyone && group ? "go" : everyone ? "o" : "g";
  const mend = `if nobody else needs the folder, run: chmod ${who}-w ${posixQuote(path)}`;
  const inside = `use a folder inside it, such as ${posixQuote(join(path, "atlas-flex-snapshots"))}`;
  return {
    why: everyone ? "can be written by every user of this computer" : "can be written by its group",
    hint: sentence(
      SHARED_BY_ALL.includes(path)
        ? inside
        : mode & STICKY
          ? `${inside}; or, ${mend}`
          : `${mend} - otherwise, ${inside}`,
    ),
  };
}

/** Whether the group is the one that holds only this user. */
const isPrivate = (gid: number, user: User) => gid === user.gid && gid === user.uid;

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** Whether other users can move or replace what is in this folder, which is above the download folder. */
export function canBeMoved({ uid, gid, mode }: Entry, user: User): boolean {
  if (uid !== user.uid && uid !== 0) return true;
  const others = mode & (isPrivate(gid, user) || gid === 0 ? OTHERS_MAY_WRITE : OTHERS_MAY_WRITE | GROUP_MAY_WRITE);
  return others !== 0 && (mode & STICKY) === 0;
}

/** Whether a symbolic link may lead to the folder: only this user or root can have made it. */
export function isTrustedLink({ uid }: Pick<Stats, "uid">, user: User | undefined): boolean {
  return user === undefined || uid === user.uid || uid === 0;
}

/**
 * The owner that a new file in the folder gets, and whether its file system keeps owners and modes at all: exFAT, NTFS, SMB and
 * the drives of Windows in WSL show the same ones for every file. Asks with a file that it creates and removes. The handle of
 * the file gives the answer, so that nobody can put another file in its place.
 */
export async function probe(folder: string, user: User): Promise<{ uid: number; dev: bigint; keepsModes: boolean }> {
  const path = scratchName(folder);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
  try {
    return await withFile(path, flags, async (handle) => {
      const keepsModes = (await keepsMode(handle, 0o640)) && (await keepsMode(handle, 0o600));
      const { uid, dev } = await entryOfOpen(handle);
      return { uid, dev, keepsModes: keepsModes && uid === user.uid };
    });
  } finally {
    await removeFile(path);
  }
}

async function keepsMode(handle: FileHandle, mode: number): Promise<boolean> {
  try {
    await handle.chmod(mode);
  } catch (error) {
    if (!hasCode(error, "EPERM", "EACCES", "EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP")) throw error;
  }
  return ((await handle.stat()).mode & 0o777) === mode;
}

/** Windows keeps the other users of the computer out of a user's profile folder, and promises nothing for other folders. */
export function isInProfile(path: string): boolean {
  const way = relative(homedir(), path);
  return !/^(\.\.([\\/]|$)|[a-z]:|[\\/])/i.test(way);
}
