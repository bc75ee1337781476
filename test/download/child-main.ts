// A process of its own that saves one snapshot, so that tests can kill it or take its resources away.
import { closeSync, openSync } from "node:fs";
import { systemClock } from "../../src/core/time.ts";
import type { SnapshotFacts, SnapshotIdentity } from "../../src/download/contract.ts";
import type { Limits } from "../../src/download/limits.ts";
import { createSnapshotStore } from "../../src/download/store.ts";

interface Order {
  folder: string;
  url: string;
  worker: string;
  mode: string;
  identity: SnapshotIdentity;
  facts: SnapshotFacts;
  limits: Partial<Limits>;
}

const { folder, url, worker, mode, identity, facts, limits }: Order = JSON.parse(process.argv[2] ?? "");
const store = createSnapshotStore({
  directory: folder,
  filePrefix: "",
  source: { describe: async () => facts, link: async () => ({ url }) },
  checkWorker: new URL(worker),
  allowLoopback: true,
  fileHosts: [],
  clock: systemClock,
  limits,
});

const taken: number[] = [];
if (mode === "no-descriptors") exhaustDescriptors();
const save = () => store.save(identity, { waitMs: 60_000, signal: new AbortController().signal });
const first = await save().catch(({ code }) => ({ state: "rejected", code }));
for (const descriptor of taken) closeSync(descriptor);
const second = mode === "no-descriptors" ? await save() : undefined;
await store.close();
process.stdout.write(JSON.stringify({ first, second }));

function exhaustDescriptors(): void {
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch {
    // EMFILE: none are left, as intended.
  }
}
