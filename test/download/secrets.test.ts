import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import type { StoreEvent } from "../../src/download/contract.ts";
import { CONTENT_ROWS } from "./content-rows.ts";
import { CONNECTION_ROWS, IMPATIENT, RANGE_ROWS, STATUS_ROWS, type Versions } from "./fault-rows.ts";
import { type Behaviour, serve } from "./fault-server.ts";
import {
  identity,
  KIB,
  listOf,
  namesIn,
  openStore,
  patiently,
  remoteFile,
  saveTo,
  stage,
  temporaryFolder,
} from "./fixtures.ts";

/** The signature of every link and the names inside every archive of these tests, plain and encoded. */
const SENTINELS = [
  "SENTINEL-SIGNATURE",
  "X-Amz",
  "SENTINEL-NAME",
  "SENTINEL%2D",
  Buffer.from("SENTINEL-SIG").toString("base64"),
];

/** Everything that a value contains, including the causes of a failure. */
function laidOpen(value: unknown): string {
  return inspect(value, { depth: 20, maxStringLength: null, showHidden: true });
}

async function everythingFrom(behaviours: Behaviour[]): Promise<string> {
  const events: StoreEvent[] = [];
  const { store, folder } = await stage({ limits: IMPATIENT, log: (event) => void events.push(event) }, ...behaviours);
  const progress: unknown[] = [];
  const onProgress = (report: unknown) => void progress.push(report);
  const outcome = await store.save(identity, patiently({ onProgress })).catch((error: unknown) => error);
  const list = await listOf(store);
  const files = await Promise.all(
    (await namesIn(folder))
      .filter((name) => name.endsWith(".json"))
      .map((name) => readFile(join(folder, name), "utf8")),
  );
  return laidOpen({ events, progress, outcome, list, files });
}

test("no output contains a link or a name from inside an archive, whatever goes wrong", async () => {
  const versions: Versions = { one: await remoteFile(300 * KIB, 1), two: await remoteFile(300 * KIB, 2) };
  const rows = [...STATUS_ROWS, ...RANGE_ROWS, ...CONTENT_ROWS, ...CONNECTION_ROWS.slice(7, 12)];
  for (const { name, script } of rows) {
    const text = await everythingFrom(script(versions));
    for (const sentinel of SENTINELS) expect(text.includes(sentinel), `${name} shows ${sentinel}`).toBe(false);
    expect(text).toContain("transfer-started");
  }
}, 180_000);

test.each([
  "https://user:SENTINEL-SIGNATURE@host.example/x",
  "https://10.0.0.1/x?X-Amz-Signature=SENTINEL-SIGNATURE",
  "https://SENTINEL-SIGNATURE bad url",
  "http://127.0.0.1:1/x?X-Amz-Signature=SENTINEL-SIGNATURE",
  "https://unknown-host.invalid/x?X-Amz-Signature=SENTINEL-SIGNATURE",
])("no output quotes a link that cannot be used: %s", async (url) => {
  const events: StoreEvent[] = [];
  const source = { describe: async () => ({}), link: async () => ({ url }) };
  const store = openStore(await temporaryFolder(), { source, log: (event) => void events.push(event) });
  const outcome = await saveTo(store).catch((error: unknown) => error);
  expect(laidOpen({ outcome, events })).not.toContain("SENTINEL");
  expect(outcome).toMatchObject(
    url.includes("127.0.0.1:1") || url.includes(".invalid")
      ? { state: "paused", lastError: { errorCode: "TRANSFER_INTERRUPTED" } }
      : { code: "LINK_UNSAFE" },
  );
});

test("requests to the file host have no credential header", async () => {
  const { server, save } = await stage({}, serve(await remoteFile(20 * KIB)));
  await save();
  const names = server.requests.flatMap(({ headers }) => Object.keys(headers));
  expect(new Set(names)).toEqual(new Set(["host", "connection", "accept-encoding"]));
});
