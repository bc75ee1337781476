// A folder of older backups for the tests of `save --keep`.
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeepOrder } from "../../src/download/contract.ts";
import type { SnapshotStoreOptions } from "../../src/download/store.ts";
import { archive, identity, KIB, openStore, sha256, temporaryFolder } from "./fixtures.ts";

const CLUSTER = "5fa1000000000000000000d1";
export const NEWEST = 6;
export const nameOf = (day: number) => `orders-${day}.tgz`;
export const recordOf = (day: number) => `${nameOf(day)}.json`;
export const idOf = (day: number) => `5fa1000000000000000000c${day}`;

/** A folder with a whole backup of each day, 1 to 6, and a store over it. Day 6 counts as the one just saved. */
export async function shelf(options: Partial<SnapshotStoreOptions> = {}) {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  const put = async (day: number, changes: Record<string, unknown> = {}, name = nameOf(day)) => {
    const bytes = await archive(20 * KIB, day);
    await writeFile(at(name), bytes, { mode: 0o600 });
    const record = {
      v: 1,
      ...identity,
      snapshotId: idOf(day),
      finishTime: `2026-11-1${day}T03:01:10Z`,
      clusterId: CLUSTER,
      bytes: bytes.length,
      mtimeMs: (await stat(at(name))).mtimeMs,
      sha256: sha256(bytes),
      integrity: { gzip: "ok", length: "ok", md5: "not-verifiable" },
      contents: { kind: "data-directory", unpackedBytes: 20 * KIB },
      sound: true,
      savedAt: "2026-11-22T04:00:00.000Z",
      ...changes,
    };
    await writeFile(at(`${name}.json`), `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  };
  for (let day = 1; day <= NEWEST; day += 1) await put(day);
  const events: unknown[] = [];
  const store = openStore(folder, { log: (event) => events.push(event), ...options });
  const keep = (count: number, { signal, onRead, ...changes }: Partial<KeepOrder & KeepHooks> = {}, keeper = store) =>
    keeper.keepNewest(
      {
        groupId: identity.groupId,
        clusterId: CLUSTER,
        count,
        saved: { fileName: nameOf(NEWEST) },
        evenUnprotected: false,
        ...changes,
      },
      { signal: signal ?? new AbortController().signal, onRead: onRead ?? (() => undefined) },
    );
  return { folder, at, put, store, keep, events };
}

export type Shelf = Awaited<ReturnType<typeof shelf>>;

interface KeepHooks {
  signal: AbortSignal;
  onRead: (fileName: string, percent: number) => void;
}

/** The names of whole backups with their records, as `namesIn` returns them. */
export const pairs = (...days: number[]) => days.flatMap((day) => [nameOf(day), recordOf(day)]).sort();
export const names = (...days: number[]) => days.map(nameOf);
