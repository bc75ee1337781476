import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { createContentsReader } from "./contents-reader.ts";
import { type Await, batches } from "./follow-file.ts";
import { createGzipJudge } from "./gzip-judge.ts";
import type { ArchiveReport, CheckOrder } from "./protocol.ts";

const UNRECOGNISED = "The contents are not recognised as those of a snapshot, so the file may be something else.";

/** Hashes, inflates and reads one file to its end; rejects only when it cannot be read. */
export async function examineArchive(
  { path, md5: wantsMd5, limits }: CheckOrder,
  reached: Await,
  onChecked: (bytes: number) => void,
): Promise<ArchiveReport> {
  const sha256 = createHash("sha256");
  const md5 = wantsMd5 ? createHash("md5") : undefined;
  const reader = createContentsReader();
  const judge = createGzipJudge(limits, reader.write);
  let bytes = 0;

  for await (const batch of batches(path, reached)) {
    // zlib inflates in the thread pool while this thread hashes.
    const judged = judge.write(batch);
    sha256.update(batch);
    md5?.update(batch);
    await judged;
    bytes += batch.length;
    onChecked(bytes);
    // Lets messages in: behind a damage, nothing else here waits for anything.
    await setImmediate();
  }

  const damage = await judge.end();
  const { contents, notes } = reader.end();
  return {
    bytes,
    sha256: sha256.digest("hex"),
    ...(md5 && { md5: md5.digest("hex") }),
    gzip: damage === undefined ? "ok" : "damaged",
    contents: { ...contents, unpackedBytes: judge.unpackedBytes() },
    // What a damage does to the tar inside needs no words of its own.
    notes: damage === undefined ? [...notes, ...(contents.kind === "unknown" ? [UNRECOGNISED] : [])] : [damage],
  };
}
