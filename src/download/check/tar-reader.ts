import { extract } from "tar-stream";
import type { ContentsReader } from "./contents-reader.ts";
import { createEntryTally } from "./entry-tally.ts";

/** Reads the headers of a tar (ustar, GNU, PAX) and skips what the files hold. */
export function createTarReader(): ContentsReader {
  const tally = createEntryTally();
  const tar = extract();
  let broken = false;

  tar.on("entry", (header, data, next) => {
    if (header.type === "file" || header.type === "contiguous-file") tally.add(header.name);
    data.on("end", next);
    data.resume();
  });
  tar.on("error", () => {
    broken = true;
  });

  return {
    write: (chunk) => {
      if (!broken) tar.write(chunk);
    },
    end: async () => {
      if (!broken) {
        const closed = new Promise<void>((resolve) => tar.once("close", resolve));
        tar.end(null);
        await closed;
      }
      return { contents: tally.contents(), notes: broken ? ["The tar inside is damaged or cut off."] : [] };
    },
  };
}
