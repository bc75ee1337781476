// A process of its own that saves one snapshot, so that tests can kill it or take its means away.
import { closeSync, openSync } from "node:fs";
import { createSnapshotStore } from "../../src/download/store.ts";
import { clock, facts, identity, limits } from "./child-vocabulary.ts";

const [folder = "", url = "", worker = "", mode = ""] = process.argv.slice(2);
const store = createSnapshotStore({
  directory: folder,
  filePrefix: "",
  source: { describe: async () => facts, link: async () => ({ url }) },
  checkWorker: new URL(worker),
  allowLoopback: true,
  fileHosts: [],
  clock,
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
    // EMFILE: there are none left, which is what was wanted.
  }
}
