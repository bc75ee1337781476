// How to get from a saved file to a running database: commands for this computer's shell, with safely quoted arguments.
import { createHmac, randomBytes } from "node:crypto";
import { posix, win32 } from "node:path";
import { posixQuote, shellQuote } from "../core/text.ts";
import type { Contents, RestoreGuide, SnapshotFacts } from "./contract.ts";

// Not 27017, where the reader's own database may be running. On POSIX systems it is only a part of the socket's name.
const PORT = "27099";
const SOCKET = `mongodb-${PORT}.sock`;
// Only the reader knows the target. The tools refuse this placeholder, so nothing is restored into the wrong place.
const TARGET = "TARGET_CONNECTION_STRING";
const TOOLS = "MongoDB Database Tools";
// With `-o` (`--no-same-owner`), what root unpacks belongs to root, with modes that the umask limits, whatever the archive says.
// "GNU tar manual", 4.4.2, and bsdtar(1) of libarchive (macOS, Windows); BusyBox knows both options too.
const LIKE_ANY_USER = "--no-same-permissions";

interface RestoreFacts {
  /** Absolute path of the saved file. */
  path: string;
  /** Other users may change what is in the folder of the file, whatever the mode of a folder there. */
  isOpen?: boolean;
  /** Version of the snapshot's server, such as `8.0.4`. */
  mongoDBVersion?: string;
  platform: NodeJS.Platform;
}

/** The guide for the computer that this runs on, as a field of a report; only a sound file has one. */
export function restoreHere(
  { sound, contents }: { sound: boolean; contents: Contents },
  place: Pick<RestoreFacts, "path" | "isOpen">,
  { mongoDBVersion }: SnapshotFacts = {},
): { restore?: RestoreGuide } {
  if (!sound) return {};
  const { platform } = process;
  const restore = restoreGuide(contents, {
    ...place,
    platform,
    ...(mongoDBVersion !== undefined && { mongoDBVersion }),
  });
  return restore ? { restore } : {};
}

/** The guide for exactly what was found in the file; undefined when the file is neither a tar nor a mongodump archive. */
export function restoreGuide(contents: Contents, facts: RestoreFacts): RestoreGuide | undefined {
  const { kind, folderDepth } = contents;
  const { join } = facts.platform === "win32" ? win32 : posix;
  const command = (...words: string[]) => words.map((word) => shellQuote(word, facts.platform)).join(" ");
  const { folder, worksIn } = restoredFolder(facts);
  // The archive may set the mode and the owner of the folder that it is unpacked into, and put anything there. It cannot reach
  // the outer folder, so nobody else enters, and no link takes the place of the socket or the copy.
  const data = join(folder, "data");
  const strip = folderDepth ? ["--strip-components", `${folderDepth}`] : [];
  /** With an unknown folder depth the place of the data is unknown too, so the guide ends after unpacking. */
  const unpackAnd = (...commands: string[]) => [
    // The mode is for a parent that others may enter. Windows has no modes and makes both folders for the inner one.
    facts.platform === "win32" ? command("mkdir", data) : command("mkdir", "-m", "700", folder, data),
    command("tar", "-xzof", facts.path, "-C", data, LIKE_ANY_USER, ...strip),
    ...(folderDepth === undefined ? [] : commands),
  ];

  switch (kind) {
    case "data-directory": {
      const copy = `--archive=${join(folder, "copy.archive.gz")}`;
      const { prepare, listen, connect, servedTo } = serving(folder, facts.platform);
      return {
        kind,
        needs: ["tar", mongod(facts.mongoDBVersion), `${TOOLS} (mongodump, mongorestore), a current version`],
        commands: unpackAnd(
          ...prepare,
          `${command("mongod", "--dbpath", data, ...storageOptions(contents))} ${listen}`,
          `mongodump ${connect} ${command("--gzip", copy)}`,
          command("mongorestore", "--gzip", copy, "--uri", TARGET),
        ),
        ...(folderDepth !== undefined && { servedTo }),
        ...worksIn,
      };
    }
    case "dump-directory":
      return {
        kind,
        needs: ["tar", `${TOOLS} (mongorestore)`],
        commands: unpackAnd(
          command("mongorestore", ...(contents.filesGzipped ? ["--gzip"] : []), "--uri", TARGET, "--dir", data),
        ),
        ...worksIn,
      };
    case "mongodump-archive":
      return {
        kind,
        needs: [`${TOOLS} (mongorestore)`],
        commands: [command("mongorestore", "--gzip", `--archive=${facts.path}`, "--uri", TARGET)],
      };
    case "unknown":
      if (contents.files === undefined) return undefined;
      return { kind, needs: ["tar"], commands: [command("tar", "-tzf", facts.path)] };
  }
}

/**
 * Where to unpack: a new folder next to the file; `mkdir` fails when it exists, so that two snapshots never mix. A download
 * folder that is open to others cannot protect a folder in it, and some of their file systems hold no sockets and no links. Then
 * the new folder is in /var/tmp, where nobody can rename or remove another user's folder, and which is on the disk, while /tmp
 * may be in memory. Like `mktemp -d`, this gives a name that nobody can guess, but the commands in a second terminal know it too.
 */
function restoredFolder({ path, platform, isOpen }: RestoreFacts): { folder: string; worksIn?: { worksIn: string } } {
  const { join, parse } = platform === "win32" ? win32 : posix;
  if (isOpen && platform !== "win32") {
    const name = createHmac("sha256", NAME_KEY).update(path).digest("hex").slice(0, NAME_DIGITS);
    const folder = join("/var/tmp", `atlas-flex-${name}`);
    return { folder, worksIn: { worksIn: folder } };
  }
  const { dir, base } = parse(path);
  return { folder: join(dir, `${base.replace(/\.(?:tgz|tar\.gz|gz)$/i, "")}-restored`) };
}

/** Of this process, so that repeated answers about a file name the same folder. */
const NAME_KEY = randomBytes(32);
/** 80 bits: nobody makes the folder first. */
const NAME_DIGITS = 20;

/** `mongod` refuses to start on files that were written with other storage options. */
function storageOptions({ directoryPerDB, directoryForIndexes }: Contents): string[] {
  return [
    ...(directoryPerDB ? ["--directoryperdb"] : []),
    ...(directoryForIndexes ? ["--wiredTigerDirectoryForIndexes"] : []),
  ];
}

/** `sun_path` has 108 bytes on Linux and 104 on macOS and the BSDs, a zero at the end included. */
const socketPathLimit = (platform: NodeJS.Platform) => (platform === "linux" ? 107 : 103);

/**
 * How `mongod` is reached, in words for the shell. The restored data has no password, so on POSIX systems `mongod` listens on
 * a Unix socket alone, in a folder that only its owner can enter. MongoDB Manual 8.0, "mongod": `--bind_ip` takes the full
 * path of a socket in place of an address, `--unixSocketPrefix` moves the socket that it makes in /tmp otherwise, and both
 * have the mode 0700. "Connection String Examples", "Self-Hosted UNIX Domain Socket": the path is the host, %-encoded.
 */
function serving(folder: string, platform: NodeJS.Platform) {
  if (platform === "win32") {
    const listen = `--port ${PORT} --bind_ip "127.0.0.1"`;
    return { prepare: [], listen, connect: `--port ${PORT}`, servedTo: "every-user" as const };
  }
  const options = (socketFolder: string, socket: string) =>
    `--port ${PORT} --bind_ip ${socket} --unixSocketPrefix ${socketFolder}`;
  const socket = posix.join(folder, SOCKET);
  // `--bind_ip` takes a list with commas, and the Node.js driver, on which mongosh is built, decodes the host twice.
  if (Buffer.byteLength(socket) <= socketPathLimit(platform) && !/[,%]/.test(socket)) {
    const uri = `mongodb://${percentEncode(socket)}`;
    const listen = options(posixQuote(folder), posixQuote(socket));
    return { prepare: [], listen, connect: `--uri ${uri}`, servedTo: "this-user" as const };
  }
  // A link tells the name of the new folder to the commands that run in another terminal.
  const link = posixQuote(posix.join(folder, "socket"));
  const linked = `$(readlink ${link})`;
  return {
    prepare: [`ln -s "$(mktemp -d)" ${link}`],
    listen: options(`"${linked}"`, `"${linked}/${SOCKET}"`),
    connect: `--uri "mongodb://$(readlink ${link} | sed 's|/|%2F|g')%2F${SOCKET}"`,
    servedTo: "this-user" as const,
  };
}

/** Leaves only the unreserved characters of RFC 3986, section 2.3, so that no shell needs quotes for the result. */
function percentEncode(text: string): string {
  const hex = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*~]/g, hex);
}

function mongod(version: string | undefined): string {
  const major = version === undefined ? undefined : /^(\d{1,4}\.\d{1,4})(?:\.\d{1,4})?$/.exec(version)?.[1];
  const which = major === undefined ? "of the snapshot's major version" : `${major} (the snapshot's major version)`;
  return `mongod ${which}, in a terminal of its own since it keeps running`;
}
