// Changes single file calls of this process, so that tests meet file systems that are not at hand.
import { type BigIntStats, constants, type Stats } from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";

/** The methods of open files. */
async function handleMethods(): Promise<object> {
  const handle = await promises.open(tmpdir(), "r");
  await handle.close();
  return Object.getPrototypeOf(handle);
}

type Method = (...args: unknown[]) => Promise<unknown>;

/**
 * Until the test ends, the call (such as `rename`, or `handle.stat` for open files) does what `to` returns. `self` is the open
 * file whose method is called.
 */
export async function change(call: string, to: (original: Method, self: unknown) => Method): Promise<void> {
  const [name = "", holder] = call.startsWith("handle.")
    ? [call.slice("handle.".length), await handleMethods()]
    : [call, promises];
  const original = Reflect.get(holder, name);
  const set = (method: unknown) => {
    Reflect.set(holder, name, method);
    syncBuiltinESMExports();
  };
  set(function changed(this: unknown, ...args: unknown[]) {
    return to((...given) => Reflect.apply(original, this, given), this)(...args);
  });
  onTestFinished(() => set(original));
}

export interface Refusal {
  /** The first path of the call must match. */
  path?: RegExp;
  /** How many calls go through before the first refusal. */
  after?: number;
  /** How many calls are refused. */
  times?: number;
}

/** Until the test ends, or until `end`, the call fails with the system's `code`. */
export async function refuse(
  call: string,
  code: string,
  { path = /./, after = 0, times = Number.POSITIVE_INFINITY }: Refusal = {},
) {
  let seen = 0;
  let isOver = false;
  await change(call, (original) => async (...args) => {
    // Methods of open files have no path.
    if (!isOver && path.test(typeof args[0] === "string" ? args[0] : "-")) {
      seen += 1;
      if (seen > after && seen <= after + times) throw Object.assign(new Error(`${code}: ${call}`), { code });
    }
    return original(...args);
  });
  return {
    refused: () => Math.max(0, seen - after),
    end: () => {
      isOver = true;
    },
  };
}

/** Until the test ends, this process believes to run on Windows; users and groups have no numbers then. */
export function pretendWindows(): void {
  const kept = ["platform", "getuid", "getgid"].map((name) => ({
    name,
    before: Object.getOwnPropertyDescriptor(process, name),
  }));
  Object.defineProperty(process, "platform", { value: "win32", configurable: true });
  for (const name of ["getuid", "getgid"])
    Object.defineProperty(process, name, { value: undefined, configurable: true });
  onTestFinished(() => {
    for (const { name, before } of kept) if (before) Object.defineProperty(process, name, before);
  });
}

/** The properties of an entry that tests change. */
interface Shown {
  uid: number;
  mode: number;
  mtimeMs: number;
  ino: number;
}

/** An entry with its numbers as Node.js has them, or as big integers if the call asked for those. */
function showing(entry: Stats | BigIntStats, { mtimeMs, ...numbers }: Partial<Shown>): void {
  const isBig = typeof entry.ino === "bigint";
  for (const [name, value] of Object.entries(numbers)) Reflect.set(entry, name, isBig ? BigInt(value) : value);
  if (mtimeMs === undefined) return;
  Reflect.set(entry, "mtimeMs", isBig ? BigInt(Math.floor(mtimeMs)) : mtimeMs);
  if (isBig) Reflect.set(entry, "mtimeNs", BigInt(Math.floor(mtimeMs)) * 1_000_000n);
}

const isEntry = (answer: unknown): answer is Stats | BigIntStats =>
  answer instanceof Object && "ino" in answer && "mtimeMs" in answer;

/** Until the test ends, every entry that `which` accepts is seen with these properties. */
async function show(properties: (entry: Shown) => Partial<Shown>, which: (entry: Shown) => boolean = () => true) {
  for (const call of ["lstat", "handle.stat"])
    await change(call, (original) => async (...args) => {
      const entry = await original(...args);
      if (!isEntry(entry)) return entry;
      const { uid, mode, mtimeMs, ino } = entry;
      const shown = { uid: Number(uid), mode: Number(mode), mtimeMs: Number(mtimeMs), ino: Number(ino) };
      if (which(shown)) showing(entry, properties(shown));
      return entry;
    });
}

/** Until the test ends, every entry reads the same, as on exFAT, SMB and the drives of Windows in WSL. */
export async function withoutModes({ uid = process.getuid?.() ?? 0, mode = 0o777 } = {}): Promise<void> {
  await show((stats) => ({ uid, mode: (stats.mode & ~0o7777) | mode }));
  await change("handle.chmod", () => async () => undefined);
}

/** Until the test ends, times of files have steps of so many milliseconds: FAT has 2 s, some servers and old disks of macOS 1 s. */
export async function withCoarseTimes(stepMs: number): Promise<void> {
  await show(({ mtimeMs }) => ({ mtimeMs: Math.floor(mtimeMs / stepMs) * stepMs }));
}

/**
 * Until the test ends, two names in the folder that differ in case are one file, as on macOS and Windows: it has the name under
 * which it was made.
 */
export async function withoutCase(folder: string): Promise<void> {
  const names = new Map<string, string>();
  const known = (given: unknown, isCreated = false): unknown => {
    if (typeof given !== "string" || path.dirname(given) !== folder) return given;
    const name = path.basename(given);
    const first = names.get(name.toLowerCase()) ?? name;
    // A file is spelt as whoever made it spelt it.
    if (isCreated) names.set(name.toLowerCase(), first);
    return path.join(folder, first);
  };
  const creates = (flags: unknown) =>
    typeof flags === "number" ? (flags & constants.O_CREAT) !== 0 : /[wa]/.test(String(flags));
  await change(
    "open",
    (original) =>
      async (given, ...rest) =>
        original(known(given, creates(rest[0])), ...rest),
  );
  for (const call of ["lstat", "stat", "unlink", "utimes"])
    await change(
      call,
      (original) =>
        async (given, ...rest) =>
          original(known(given), ...rest),
    );
  for (const call of ["link", "rename"])
    await change(call, (original) => async (from, to) => original(known(from), known(to, true)));
}

/** Until the test ends, this process sees no /proc, as on macOS and Windows. */
export async function withoutProc(): Promise<void> {
  for (const call of ["readFile", "readlink"])
    await change(call, (original) => async (given, ...rest) => {
      if (String(given).startsWith("/proc/")) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
      return original(given, ...rest);
    });
}

/** Makes a file another user's: really where this process may, otherwise in what this process sees until the test ends. */
export async function giveAway(path: string): Promise<void> {
  const uid = 4321;
  if (process.getuid?.() === 0) return promises.lchown(path, uid, uid);
  const { ino } = await promises.lstat(path);
  await show(
    () => ({ uid }),
    (stats) => stats.ino === ino,
  );
}

/** Runs the work with the path functions of Windows, where no folder above a missing drive exists. */
export async function withWindowsPaths(work: () => Promise<void>): Promise<void> {
  const names = ["basename", "dirname", "isAbsolute", "join", "relative", "resolve"];
  const kept = new Map<string, unknown>(names.map((name) => [name, Reflect.get(path, name)]));
  const set = (of: (name: string) => unknown) => {
    for (const name of names) Reflect.set(path, name, of(name));
    syncBuiltinESMExports();
  };
  set((name) => Reflect.get(path.win32, name));
  try {
    await work();
  } finally {
    set((name) => kept.get(name));
  }
}
