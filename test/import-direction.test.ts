import { readdir, readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../src");

/** What each folder may import from, besides itself and the leaves that everybody may. */
const ALLOWED: Record<string, readonly string[]> = {
  http: [],
  auth: ["http"],
  atlas: ["http"],
  download: ["http"],
  protocol: [],
  tools: ["http", "atlas", "download"],
  check: ["http", "auth", "atlas", "download", "tools"],
};
const LEAVES = ["atlas-id.ts", "errors.ts", "own-errors.ts", "text.ts"];
/** Files at the top that wire the folders; check may use them too. */
const SIMULATOR_USERS = ["simulate.ts", "simulated-target.ts"];

/** Every import of every source file, as paths from `src`. */
async function imports(): Promise<{ from: string; to: string }[]> {
  const files = (await readdir(SRC, { recursive: true })).filter((file) => file.endsWith(".ts"));
  const found = await Promise.all(
    files.map(async (from) => {
      const text = await readFile(join(SRC, from), "utf8");
      return [...text.matchAll(/(?:\bfrom |\bimport\()"([^"\n]+)"\)?[;.,)]?/g)].map(([, to = ""]) => ({
        from,
        to: to.startsWith(".") ? normalize(join(dirname(from), to)) : to,
      }));
    }),
  );
  return found.flat();
}

const folderOf = (path: string) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "");

test("imports point one way", async () => {
  const wrong = (await imports()).filter(({ from, to }) => {
    const [inside, target] = [folderOf(from), folderOf(to)];
    const allowed = ALLOWED[inside];
    if (!allowed || !to.endsWith(".ts") || to.startsWith("..")) return false;
    const isShared = target === "" && (LEAVES.includes(to) || inside === "check");
    return target !== inside && !allowed.includes(target) && !isShared;
  });
  expect(wrong).toEqual([]);
});

/** The parts of one folder of `src`: its rooms, each as a whole, and the files beside them, with what each imports of the others. */
async function partsOf(folder: string): Promise<Map<string, Set<string>>> {
  const partOf = (path: string) => path.split("/")[1] ?? "";
  const parts = new Map<string, Set<string>>();
  for (const { from, to } of await imports()) {
    if (folderOf(from) !== folder) continue;
    const others = parts.get(partOf(from)) ?? new Set();
    parts.set(partOf(from), others);
    if (folderOf(to) === folder && partOf(to) !== partOf(from)) others.add(partOf(to));
  }
  return parts;
}

test.each(["download", "simulator"])("the rooms of %s and the files beside them import one way", async (folder) => {
  const inCircles = await partsOf(folder);
  const isDone = (others: Set<string>) => [...others].every((other) => !inCircles.has(other));
  for (let before = -1; before !== inCircles.size; ) {
    before = inCircles.size;
    for (const [part, others] of inCircles) if (isDone(others)) inCircles.delete(part);
  }
  expect(inCircles).toEqual(new Map());
});

test("the simulator imports nothing from the rest, and only its starters import it", async () => {
  const all = await imports();
  expect(
    all.filter(
      ({ from, to }) => folderOf(from) === "simulator" && folderOf(to) !== "simulator" && !to.startsWith("node:"),
    ),
  ).toEqual([]);
  const users = all
    .filter(({ from, to }) => folderOf(to) === "simulator" && folderOf(from) !== "simulator")
    .map(({ from }) => from);
  expect([...new Set(users)].sort()).toEqual(SIMULATOR_USERS);
});

test("tools know neither the protocol's library nor the HTTP library nor the system", async () => {
  const wrong = (await imports()).filter(
    ({ from, to }) => folderOf(from) === "tools" && /^(@modelcontextprotocol|undici|node:)/.test(to),
  );
  expect(wrong).toEqual([]);
});

test("no source file starts another process, and none is longer than 250 lines", async () => {
  expect((await imports()).filter(({ to }) => /child_process|cluster$/.test(to))).toEqual([]);
  const files = (await readdir(SRC, { recursive: true })).filter((file) => file.endsWith(".ts"));
  const lengths = await Promise.all(
    files.map(async (file) => ({ file, lines: (await readFile(join(SRC, file), "utf8")).split("\n").length - 1 })),
  );
  expect(lengths.filter(({ lines }) => lines > 250)).toEqual([]);
});
