import type { Contents } from "../contract.ts";

/** Counts the regular files of a tar by what their names say; no name comes out. */
export interface EntryTally {
  add(name: string): void;
  contents(): Omit<Contents, "unpackedBytes">;
  /** Names that lead out of the folder that the tar is unpacked into. */
  escaping(): number;
}

// mongod names the storage engine in storage.bson; the other two are WiredTiger's own. All lie at the top of the data directory.
const DATA_MARKER = /^(?:WiredTiger|WiredTiger\.turtle|storage\.bson)$/;
// collection-7-123.wt, or collection/7-123.wt with directoryForIndexes.
const COLLECTION_FILE = /(?:^|\/)collection[-/][^/]+\.wt$/;
const DUMP_DOCUMENTS = /\.bson(?:\.gz)?$/;
const DUMP_METADATA = /\.metadata\.json(?:\.gz)?$/;
// Linux's PATH_MAX; tar allows longer names, no snapshot has one.
const MAX_NAME_LENGTH = 4096;

export function createEntryTally(): EntryTally {
  let files = 0;
  let dataFiles = 0;
  let dataCollections = 0;
  let dumpCollections = 0;
  let dumpMetadata = 0;
  let gzipped = 0;
  let escaping = 0;
  const dataFolder = commonFolder();
  const dumpFolder = commonFolder();

  return {
    add: (name) => {
      files += 1;
      if (name.length > MAX_NAME_LENGTH) return;
      const folders = name.split("/");
      const base = folders.pop() ?? "";
      if (name.startsWith("/") || folders.includes("..")) escaping += 1;
      if (DATA_MARKER.test(base)) {
        dataFiles += 1;
        dataFolder.see(folders);
      } else if (base.endsWith(".wt")) {
        dataFiles += 1;
        if (COLLECTION_FILE.test(name)) dataCollections += 1;
      } else if (DUMP_METADATA.test(base)) {
        dumpMetadata += 1;
        // The folder right above is the database; a dump without one has no place to start from.
        dumpFolder.see(folders.length > 0 ? folders.slice(0, -1) : [""]);
      } else if (DUMP_DOCUMENTS.test(base)) {
        dumpCollections += 1;
        if (base.endsWith(".gz")) gzipped += 1;
      }
    },
    contents: () => {
      if (dataFiles > 0) return { kind: "data-directory", files, collections: dataCollections, ...dataFolder.depth() };
      if (dumpCollections > 0 && dumpMetadata > 0)
        return {
          kind: "dump-directory",
          files,
          collections: dumpCollections,
          ...dumpFolder.depth(),
          ...(gzipped > 0 ? { filesGzipped: true } : {}),
        };
      return { kind: "unknown", files };
    },
    escaping: () => escaping,
  };
}

/** Whether all files seen lie in the same folder, and how deep that is. */
function commonFolder() {
  let common: string[] | undefined;
  let agreed = true;
  return {
    see: (folders: string[]) => {
      common ??= folders;
      // GNU tar and bsdtar strip empty components differently.
      if (folders.includes("") || folders.join("/") !== common.join("/")) agreed = false;
    },
    depth: () => (agreed && common !== undefined ? { folderDepth: common.length } : {}),
  };
}
