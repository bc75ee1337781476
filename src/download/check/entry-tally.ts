import type { Contents } from "../contract.ts";

/** Counts the regular files of a tar by what their names say; keeps no name. */
export interface EntryTally {
  add(name: string): void;
  contents(): Omit<Contents, "unpackedBytes">;
}

// Beside WiredTiger's own files, mongod keeps its catalogue in *.wt and the engine's name in storage.bson.
const DATA_FILE = /^(?:WiredTiger(?:\.turtle|\.lock)?|storage\.bson|.+\.wt)$/;
// collection-7-123.wt, or collection/7-123.wt with directoryForIndexes.
const COLLECTION_FILE = /(?:^|\/)collection[-/][^/]+\.wt$/;
const DUMP_FILE = /\.bson(\.gz)?$/;
const DUMP_METADATA = /\.metadata\.json(\.gz)?$/;

export function createEntryTally(): EntryTally {
  let files = 0;
  let dataFiles = 0;
  let dataCollections = 0;
  let dumpCollections = 0;
  let dumpMetadata = 0;

  return {
    add: (name) => {
      files += 1;
      const base = name.slice(name.lastIndexOf("/") + 1);
      if (DATA_FILE.test(base)) {
        dataFiles += 1;
        if (COLLECTION_FILE.test(name)) dataCollections += 1;
      } else if (DUMP_METADATA.test(base)) dumpMetadata += 1;
      else if (DUMP_FILE.test(base)) dumpCollections += 1;
    },
    contents: () => {
      if (dataFiles > 0) return { kind: "data-directory", files, collections: dataCollections };
      if (dumpCollections > 0 && dumpMetadata > 0)
        return { kind: "dump-directory", files, collections: dumpCollections };
      return { kind: "unknown", files };
    },
  };
}
