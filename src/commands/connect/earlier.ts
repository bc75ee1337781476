// Says whether a client has this server already: from where, what adding it again would lose, and what wins over it in a folder.
import { existsSync, realpathSync } from "node:fs";
import path from "node:path";
import { isSample } from "../../config/credentials.ts";
import { mayBeQuoted } from "../../config/setting-text.ts";
import { KNOWN_VARIABLES, OPTION_SETTINGS } from "../../config/variables.ts";
import { firstFew, quoted } from "../../core/text.ts";
import type { Client, Place } from "./clients.ts";
import { type Entry, readConfiguration, serversIn, tablesIn } from "./configuration.ts";
import { NAME, settingsOf, shellCommand } from "./forms.ts";
import type { Printable } from "./printable.ts";
import { isCredential, type Start } from "./start.ts";

export interface Earlier {
  /** What a person should know, a sentence each. */
  notes: string[];
  /** The command to run before the server can be added again. */
  removal?: string;
}

interface Given {
  client: Client;
  place: Place;
  start: Start;
  printable: Printable;
}

/** Reads only. */
export function earlierIn(given: Given): Earlier {
  const { client, place } = given;
  const files = client.files(place);
  const found = files.map((file) => inFile(file, given));
  const removal =
    client.remove && found.some(({ isKnown }) => isKnown) ? shellCommand([client.remove], place.platform) : undefined;
  return {
    notes: [...found.flatMap(({ notes }) => notes), ...winningIn(files, given)],
    ...(removal ? { removal } : {}),
  };
}

function inFile(file: string, given: Given): { notes: string[]; isKnown: boolean } {
  const { client, printable } = given;
  const where = shownPath(file, printable);
  const read = readConfiguration(file);
  if ("flaw" in read) {
    const note = `${where} ${read.flaw}, so it is not known whether this server is in it already. Options and variables of an earlier entry are not carried over.`;
    return { notes: [note], isKnown: false };
  }
  const servers = serversIn(read.content, client.servers);
  const entry = servers.get(NAME);
  const others = [...servers].some(([name, { isOurs }]) => name !== NAME && isOurs);
  const folders = foldersIn(read.content, client);
  return {
    notes: [
      ...(entry ? [`${where} has this server already${originOf(entry, given)}. ${replacing(entry, given)}`] : []),
      ...(others ? [`${where} has this server under another name too: ${client.title} starts both.`] : []),
      ...folderNotes(where, folders, given),
    ],
    isKnown: entry !== undefined,
  };
}

/** A path of this computer that is no part of a configuration's text. */
const shownPath = (file: string, { isOpenPath }: Printable) =>
  isOpenPath(file) ? file : "The configuration of the client";

/** Where the entry comes from, to follow "already". Its text is foreign: only a whole path is quoted. */
function originOf({ file }: Entry, { start, printable }: Given): string {
  if (file === undefined) return "";
  const { isOpen, isOpenPath } = printable;
  const shown = isOpen(file) && isOpenPath(file) ? `: ${quoted(file)}` : "";
  if (isSameFile(file, start.args[0] ?? "")) return ", from this installation";
  if (existsSync(file)) return `, from another installation${shown}`;
  return `, from a file that is not there any more, since the clone was moved or deleted${shown}`;
}

function isSameFile(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false; // One of them is not there, or may not be looked at.
  }
}

const REPLACES = "What is printed here replaces it";

/** What the new entry lacks, by name; a name that somebody else chose is counted. */
function replacing(entry: Entry, { start }: Given): string {
  const carried = new Set([
    ...settingsOf(start)
      .filter(([, value]) => !isSample(value))
      .map(([name]) => subjectOf(name)),
    ...start.args.map((word) => subjectOf(word.split("=")[0] ?? "")),
  ]);
  const lost = [...new Set(entry.names)].filter((name) => !carried.has(subjectOf(name)));
  if (lost.length === 0) return `${REPLACES}.`;
  const named = lost.filter(
    (name) => KNOWN_VARIABLES.includes(name) || (/^[\w-]{1,40}$/.test(name) && mayBeQuoted(name)),
  );
  const list = [...named, ...(named.length < lost.length ? [`${lost.length - named.length} of other names`] : [])];
  return `${REPLACES}, without what the earlier entry has besides: ${list.join(", ")}. To keep options and variables, give them to connect; add the client's own settings again afterwards.`;
}

/** An option and its variable are the same setting, and so are a secret and its file. */
function subjectOf(name: string): string {
  const setting = OPTION_SETTINGS.find(({ option }) => name === `--${option}`);
  return setting?.name ?? (isCredential(name) ? name.replace(/_FILE$/, "") : name);
}

/** The folders of which the client keeps a server of this name in the file for all of them. */
function foldersIn(content: unknown, { servers, folders }: Client): string[] {
  if (!folders) return [];
  return tablesIn(content, folders.key).flatMap(([folder, table]) =>
    serversIn(table, servers).has(NAME) ? [folder] : [],
  );
}

function folderNotes(where: string, folders: readonly string[], { client, place, printable }: Given): string[] {
  if (folders.length === 0 || !client.folders) return [];
  const { isOpen, isOpenPath } = printable;
  const named = folders.map((folder) => (isOpen(folder) && isOpenPath(folder) ? quoted(folder) : "one not shown"));
  const command = shellCommand([client.folders.remove], place.platform);
  return [
    `${where} has this server also for single folders, where that entry wins: ${firstFew(named, 3)}. To remove it, run there: ${command}`,
  ];
}

/** The configuration of the current folder, which wins there over that of the user. */
function winningIn(files: readonly string[], { client, place, printable }: Given): string[] {
  const { inFolder } = client;
  if (!inFolder || place.folder === undefined) return [];
  const file = path.join(place.folder, ...inFolder.file);
  if (files.some((own) => isSameFile(own, file))) return [];
  const read = readConfiguration(file);
  if ("flaw" in read || !serversIn(read.content, client.servers).has(NAME)) return [];
  const how = inFolder.remove
    ? `To remove it there, run: ${shellCommand([inFolder.remove], place.platform)}`
    : "To remove it there, delete it from the file.";
  return [`${shownPath(file, printable)} has this server too, and wins in this folder. ${how}`];
}
