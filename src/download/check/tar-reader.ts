import { extract, type Header } from "tar-stream";
import type { ContentsReader } from "./contents-reader.ts";
import { createEntryTally } from "./entry-tally.ts";

const BLOCK_BYTES = 512;
// A data directory has two files per index or collection, tens of thousands at most; a bomb of empty files has billions.
const MAX_ENTRIES = 1_000_000;

/** Reads the headers of a tar (ustar, GNU, PAX) and skips what its files hold. */
export function createTarReader(maxEntries = MAX_ENTRIES): ContentsReader {
  const tally = createEntryTally();
  const tar = extract();
  let written = 0;
  let entries = 0;
  /** Where the last entry ends, its padding included. */
  let entriesEnd = 0;
  let problem: string | undefined;
  let ended = false;

  tar.on("entry", (header, data, next) => {
    if (entries === maxEntries) {
      problem = `The tar inside has more than ${maxEntries} entries; the rest was not counted.`;
      tar.destroy();
      return;
    }
    entries += 1;
    // A folder may state a size, but has no data.
    const blocks = header.type === "directory" ? 0 : Math.ceil(header.size / BLOCK_BYTES);
    entriesEnd = dataOffset(header) + blocks * BLOCK_BYTES;
    if (header.type === "file" || header.type === "contiguous-file") tally.add(header.name);
    data.on("end", next);
    // A tar that breaks inside this entry says so itself.
    data.on("error", () => {});
    data.resume();
  });
  tar.on("error", () => {
    problem ??= ended
      ? "The tar inside ends in the middle of an entry."
      : "The tar inside is damaged; what follows the damage was not counted.";
  });

  return {
    write: (chunk) => {
      written += chunk.length;
      if (problem === undefined) tar.write(chunk);
    },
    end: async () => {
      if (problem === undefined) {
        ended = true;
        const closed = new Promise<void>((resolve) => tar.once("close", resolve));
        tar.end(null);
        await closed;
      }
      // POSIX ends a tar with two blocks of zeros; tar itself does not insist.
      const unmarked = written < entriesEnd + 2 * BLOCK_BYTES;
      if (problem === undefined && unmarked) problem = "The tar inside lacks its end marker, which tar tolerates.";
      const notes = problem === undefined ? [] : [problem];
      const escaping = tally.escaping();
      if (escaping > 0) notes.push(`Names in the tar that lead out of the folder it is unpacked into: ${escaping}.`);
      return { contents: tally.contents(), notes };
    },
  };
}

/** Where the data of an entry begins; tar-stream sets it, but does not declare it. */
function dataOffset(header: Header): number {
  return "byteOffset" in header && typeof header.byteOffset === "number" ? header.byteOffset : 0;
}
