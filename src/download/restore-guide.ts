import { posix, win32 } from "node:path";
import type { Contents, RestoreGuide, SnapshotFacts } from "./contract.ts";

interface RestoreFacts {
  /** Absolute path of the saved file. */
  path: string;
  /** Version of the server that the snapshot is of, such as `8.0.4`. */
  mongoDBVersion?: string;
  platform: NodeJS.Platform;
}

// Away from 27017, where a database of the reader's own may run.
const PORT = "27099";
// Stands for what only the reader knows; the tools refuse it as it is, so that nothing is restored into the wrong place.
const TARGET = "TARGET_CONNECTION_STRING";
const TOOLS = "MongoDB Database Tools";

/**
 * How to get from the saved file to a running database, for exactly what was found in it.
 * Undefined when nothing can be said: the file is neither a tar nor an archive of mongodump.
 */
export function restoreGuide(contents: Contents, facts: RestoreFacts): RestoreGuide | undefined {
  const { kind, folderDepth } = contents;
  const command = (...words: string[]) => words.map((word) => shellQuote(word, facts.platform)).join(" ");
  const folder = besides(facts);
  const unpack = [
    command("mkdir", folder),
    command("tar", "-xzf", facts.path, "-C", folder, ...(folderDepth ? ["--strip-components", `${folderDepth}`] : [])),
  ];

  switch (kind) {
    case "data-directory":
      return {
        kind,
        needs: ["tar", mongod(facts.mongoDBVersion), `${TOOLS} (mongodump, mongorestore)`],
        commands:
          folderDepth === undefined
            ? unpack
            : [
                ...unpack,
                command("mongod", "--dbpath", folder, "--port", PORT, "--bind_ip", "127.0.0.1"),
                command("mongodump", "--port", PORT, "--gzip", `--archive=${folder}.archive.gz`),
                command("mongorestore", "--gzip", `--archive=${folder}.archive.gz`, "--uri", TARGET),
              ],
      };
    case "dump-directory":
      return {
        kind,
        needs: ["tar", `${TOOLS} (mongorestore)`],
        commands:
          folderDepth === undefined
            ? unpack
            : [
                ...unpack,
                command("mongorestore", ...(contents.filesGzipped ? ["--gzip"] : []), "--uri", TARGET, "--dir", folder),
              ],
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

/** The same for the computer that this runs on, as a field of a report. */
export function restoreHere(
  contents: Contents,
  path: string,
  { mongoDBVersion }: SnapshotFacts = {},
): { restore?: RestoreGuide } {
  const { platform } = process;
  const restore = restoreGuide(contents, { path, platform, ...(mongoDBVersion !== undefined && { mongoDBVersion }) });
  return restore ? { restore } : {};
}

/** A new folder beside the file: `mkdir` fails when it exists, so that nothing is mixed. */
function besides({ path, platform }: RestoreFacts): string {
  const { join, parse } = platform === "win32" ? win32 : posix;
  const { dir, base } = parse(path);
  return join(dir, `${base.replace(/\.(?:tgz|tar\.gz|gz)$/i, "")}-restored`);
}

function mongod(version: string | undefined): string {
  const major = version === undefined ? undefined : /^(\d{1,4}\.\d{1,4})(?:\.\d{1,4})?$/.exec(version)?.[1];
  const which = major === undefined ? "of the snapshot's major version" : `${major} (the snapshot's major version)`;
  return `mongod ${which}, in a terminal of its own since it keeps running`;
}

/** Quotes one argument for the shell that people use there: PowerShell on Windows, a POSIX shell elsewhere. */
export function shellQuote(argument: string, platform: NodeJS.Platform): string {
  return platform === "win32" ? powerShellQuote(argument) : posixQuote(argument);
}

// POSIX 2.2.2: nothing is special between single quotes but the quote itself.
function posixQuote(argument: string): string {
  if (/^[\w%+,./:=@-]+$/.test(argument)) return argument;
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

function powerShellQuote(argument: string): string {
  if (/^[\w-]+$/.test(argument)) return argument;
  // Double quotes work in cmd.exe too; nothing in this set is special between them in either shell.
  if (/^[\p{L}\p{N}_ ()+,./:=\\-]+$/u.test(argument)) return `"${argument}"`;
  // PowerShell takes typographic quotes for the plain one and doubles whichever is meant.
  return `'${argument.replace(/['\u2018-\u201b]/g, "$&$&")}'`;
}
