// How to get from a saved file to a running database: commands for this computer's shell, with safely quoted arguments.
import { posix, win32 } from "node:path";
import { posixQuote } from "../core/text.ts";
import type { Contents, RestoreGuide, SnapshotFacts } from "./contract.ts";

// Not 27017, where the reader's own database may be running.
const PORT = "27099";
// Only the reader knows the target. The tools refuse this placeholder, so nothing is restored into the wrong place.
const TARGET = "TARGET_CONNECTION_STRING";
const TOOLS = "MongoDB Database Tools";

interface RestoreFacts {
  /** Absolute path of the saved file. */
  path: string;
  /** Version of the snapshot's server, such as `8.0.4`. */
  mongoDBVersion?: string;
  platform: NodeJS.Platform;
}

/** The guide for the computer that this runs on, as a field of a report; only a sound file has one. */
export function restoreHere(
  { sound, contents }: { sound: boolean; contents: Contents },
  path: string,
  { mongoDBVersion }: SnapshotFacts = {},
): { restore?: RestoreGuide } {
  if (!sound) return {};
  const { platform } = process;
  const restore = restoreGuide(contents, { path, platform, ...(mongoDBVersion !== undefined && { mongoDBVersion }) });
  return restore ? { restore } : {};
}

/** The guide for exactly what was found in the file; undefined when the file is neither a tar nor a mongodump archive. */
export function restoreGuide(contents: Contents, facts: RestoreFacts): RestoreGuide | undefined {
  const { kind, folderDepth } = contents;
  const command = (...words: string[]) => words.map((word) => shellQuote(word, facts.platform)).join(" ");
  const folder = restoredFolder(facts);
  /** With an unknown folder depth the place of the data is unknown too, so the guide ends after unpacking. */
  const unpackAnd = (...commands: string[]) => [
    command("mkdir", folder),
    command("tar", "-xzf", facts.path, "-C", folder, ...(folderDepth ? ["--strip-components", `${folderDepth}`] : [])),
    ...(folderDepth === undefined ? [] : commands),
  ];

  switch (kind) {
    case "data-directory":
      return {
        kind,
        needs: ["tar", mongod(facts.mongoDBVersion), `${TOOLS} (mongodump, mongorestore)`],
        commands: unpackAnd(
          command("mongod", "--dbpath", folder, "--port", PORT, "--bind_ip", "127.0.0.1"),
          command("mongodump", "--port", PORT, "--gzip", `--archive=${folder}.archive.gz`),
          command("mongorestore", "--gzip", `--archive=${folder}.archive.gz`, "--uri", TARGET),
        ),
      };
    case "dump-directory":
      return {
        kind,
        needs: ["tar", `${TOOLS} (mongorestore)`],
        commands: unpackAnd(
          command("mongorestore", ...(contents.filesGzipped ? ["--gzip"] : []), "--uri", TARGET, "--dir", folder),
        ),
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

/** A new folder next to the file; `mkdir` fails when it exists, so that two snapshots never mix. */
function restoredFolder({ path, platform }: RestoreFacts): string {
  const { join, parse } = platform === "win32" ? win32 : posix;
  const { dir, base } = parse(path);
  return join(dir, `${base.replace(/\.(?:tgz|tar\.gz|gz)$/i, "")}-restored`);
}

function mongod(version: string | undefined): string {
  const major = version === undefined ? undefined : /^(\d{1,4}\.\d{1,4})(?:\.\d{1,4})?$/.exec(version)?.[1];
  const which = major === undefined ? "of the snapshot's major version" : `${major} (the snapshot's major version)`;
  return `mongod ${which}, in a terminal of its own since it keeps running`;
}

/** Quotes one argument for the platform's usual shell: PowerShell on Windows, a POSIX shell elsewhere. */
export function shellQuote(argument: string, platform: NodeJS.Platform): string {
  return platform === "win32" ? powerShellQuote(argument) : posixQuote(argument);
}

function powerShellQuote(argument: string): string {
  if (/^[\w-]+$/.test(argument)) return argument;
  // Double quotes work in cmd.exe too; none of these characters is special between them in either shell.
  if (/^[\p{L}\p{N}_ ()+,./:=\\-]+$/u.test(argument)) return `"${argument}"`;
  // PowerShell accepts typographic quotes as plain ones; a doubled quote of either kind stands for one.
  return `'${argument.replace(/['\u2018-\u201b]/g, "$&$&")}'`;
}
