import { readdir, readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../src");

/** The rooms (folders of `src`) that each room may import from, besides itself; "" is the root. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  config: ["core", "simulator"],
  http: ["core"],
  auth: ["core", "config", "http"],
  atlas: ["core", "config", "http", "auth", "simulator"],
  download: ["core", "http"],
  protocol: ["core"],
  tools: ["core", "atlas", "download"],
  view: ["tools"],
  server: ["core", "config", "http", "atlas", "download", "protocol", "tools"],
  commands: ["core", "config", "http", "auth", "atlas", "download", "tools", "server", "simulator"],
  simulator: [],
  "": ["core", "config", "protocol", "tools", "server", "commands"],
};

/** The only files of a room that the named room may import. */
const DOORS: readonly { room: string; to: string; files: readonly string[] }[] = [
  { room: "download", to: "tools", files: ["contract.ts"] },
  { room: "download", to: "commands", files: ["contract.ts"] },
  { room: "download", to: "server", files: ["contract.ts", "store.ts"] },
  { room: "tools", to: "view", files: ["catalog.ts"] },
  { room: "server", to: "commands", files: ["find-target.ts", "runtime.ts"] },
  { room: "simulator", to: "config", files: ["faults/orders.ts"] },
  { room: "simulator", to: "atlas", files: ["simulator.ts"] },
  { room: "simulator", to: "commands", files: ["simulator.ts"] },
];

/** Packages and modules of Node.js that a room must not import. */
const FORBIDDEN: Record<string, RegExp> = {
  tools: /^(@modelcontextprotocol|undici|node:)/,
  core: /^(@modelcontextprotocol|undici)/,
  config: /^(@modelcontextprotocol|undici|zod)/,
  atlas: /^(@modelcontextprotocol|undici|node:)/,
  simulator: /^(?!node:)/,
  view: /^/,
};

interface Import {
  from: string;
  to: string;
}

/** The source files below a folder, with `/` on every system. */
async function sourcesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll("\\", "/"));
  return names.filter((name) => name.endsWith(".ts"));
}

/** Every import of every source file, types and lazy ones included, as paths from `src`. */
async function imports(): Promise<Import[]> {
  const files = await sourcesIn(SRC);
  const found = await Promise.all(
    files.map(async (from) => {
      const text = await readFile(join(SRC, from), "utf8");
      return [...text.matchAll(/(?:\bfrom |\bimport\(|^import )"([^"\n]+)"/gm)].map(([, to = ""]) => ({
        from,
        to: to.startsWith(".") ? posix.join(posix.dirname(from), to) : to,
      }));
    }),
  );
  return found.flat();
}

const roomOf = (path: string) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "");
const isOurs = ({ to }: Import) => to.endsWith(".ts") && !to.startsWith("..");

test("every folder of src has its row in the table of rooms", async () => {
  const rooms = (await readdir(SRC, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  expect(rooms.map(({ name }) => name).sort()).toEqual(
    Object.keys(MAY_IMPORT)
      .filter((room) => room !== "")
      .sort(),
  );
});

describe.each(Object.entries(MAY_IMPORT))("the room %j", (room, allowed) => {
  test("imports only from the rooms that the table allows, through their doors", async () => {
    const wrong = (await imports()).filter((each) => {
      const target = roomOf(each.to);
      if (!isOurs(each) || roomOf(each.from) !== room || target === room) return false;
      const door = DOORS.find((known) => known.room === target && known.to === room);
      const isByDoor = door === undefined || door.files.some((file) => each.to === `${target}/${file}`);
      return !allowed.includes(target) || !isByDoor;
    });
    expect(wrong).toEqual([]);
  });

  test("imports no package or module that is forbidden to it", async () => {
    const unknown = FORBIDDEN[room];
    const wrong = (await imports()).filter(
      (each) => roomOf(each.from) === room && !isOurs(each) && !each.to.startsWith("..") && unknown?.test(each.to),
    );
    expect(wrong).toEqual([]);
  });
});

test("no files import each other in a circle, types included", async () => {
  const left = new Map<string, Set<string>>();
  for (const each of await imports()) {
    if (isOurs(each)) left.set(each.from, (left.get(each.from) ?? new Set()).add(each.to));
  }
  const isDone = (others: Set<string>) => [...others].every((other) => !left.has(other));
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const [file, others] of left) if (isDone(others)) left.delete(file);
  }
  expect(left).toEqual(new Map());
});

describe("every source file", async () => {
  const files = await sourcesIn(SRC);
  const texts = await Promise.all(
    files.map(async (file) => ({ file, lines: (await readFile(join(SRC, file), "utf8")).split("\n") })),
  );

  test("has at most 350 lines", () => {
    expect(texts.filter(({ lines }) => lines.length > 351).map(({ file }) => file)).toEqual([]);
  });

  test("begins with a sentence that says what it is for", () => {
    const silent = texts.filter(({ lines: [first = ""] }) => !/^\/\/ [A-Z`].*\.$/.test(first));
    expect(silent.map(({ file }) => file)).toEqual([]);
  });
});

test("the root of src holds the start and nothing else", async () => {
  const files = (await readdir(SRC, { withFileTypes: true })).filter((entry) => entry.isFile());
  expect(files.map(({ name }) => name).sort()).toEqual(["bin.ts", "main.ts"]);
});

test("tools read no global of the system", async () => {
  const files = (await readdir(join(SRC, "tools"))).map((file) => join(SRC, "tools", file));
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  expect(texts.filter((text) => /\b(?:process|globalThis)\./.test(text))).toEqual([]);
});

test("no source file starts another process", async () => {
  expect((await imports()).filter(({ to }) => /child_process|cluster$/.test(to))).toEqual([]);
});

test("only the command save asks for the deletion of finished files", async () => {
  const files = await sourcesIn(SRC);
  const found = await Promise.all(
    files.map(async (file) => ((await readFile(join(SRC, file), "utf8")).includes("keepNewest") ? [file] : [])),
  );
  const inside = ["download/contract.ts", "download/keep-newest.ts", "download/store.ts"];
  expect(found.flat().sort()).toEqual(["commands/save/save-cluster.ts", ...inside]);
});

test("only file-system.ts calls what a file system may refuse for a moment or lack", async () => {
  const files = await sourcesIn(join(SRC, "download"));
  const found = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(SRC, "download", file), "utf8");
      const [, names = ""] = /^import \{([^}]*)\} from "node:fs\/promises";$/m.exec(text) ?? [];
      const isBold = /\b(?:cp|copyFile|link|lstat|open|realpath|rename|rm|rmdir|statfs|symlink|truncate|unlink)\b/.test(
        names,
      );
      return isBold || /\.(?:sync|datasync)\(\)/.test(text) ? [file] : [];
    }),
  );
  expect(found.flat()).toEqual(["folder/file-system.ts"]);
});
