import { readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { StoreEvent } from "../../src/download/contract.ts";
import { needs } from "../platform.ts";
import { serve } from "./fault-server.ts";
import { change, pretendWindows, type Refusal, refuse } from "./file-calls.ts";
import { defaultName, hashOf, KIB, listOf, namesIn, remoteFile, sha256, stage } from "./fixtures.ts";

const PATHS = {
  part: /\.tgz\.part$/,
  state: /\.tgz\.part\.json(\.tmp)?$/,
  record: /\.tgz\.json(\.tmp)?$/,
  lock: /\.lock$/,
} as const;

interface Row extends Omit<Refusal, "path"> {
  call: string;
  of?: keyof typeof PATHS;
  code: string;
  /** Of the first save: its state, or the code of `lastError` when it pauses. */
  becomes: "complete" | "DISK_FULL" | "DISK_FAILED" | "another program";
}

const each = (codes: string[], row: Omit<Row, "code">): Row[] => codes.map((code) => ({ code, ...row }));
const titled = (rows: Row[]) =>
  rows.map((row) => {
    const { call, of, code, after, times, becomes } = row;
    const when = [of && `of the ${of}`, after && `after the first`, times ? `${times} times` : "always"];
    return [`${call} ${when.filter(Boolean).join(", ")}: ${code} -> ${becomes}`, row] as const;
  });

/** What a save becomes when the call fails, and that the next save completes when the call works again. */
async function outcome({ call, of, code, becomes, ...refusal }: Row): Promise<void> {
  if (call === "handle.sync") needs("folder-sync");
  const file = await remoteFile(300 * KIB);
  const { folder, save } = await stage({}, serve(file));
  const broken = await refuse(call, code, { ...refusal, ...(of && { path: PATHS[of] }) });
  const report = await save().catch(({ envelope }) => ({ state: "rejected", lastError: envelope }));
  expect(broken.refused()).toBeGreaterThan(0);
  const found = report.state === "complete" ? "complete" : report.lastError?.errorCode;
  expect(found).toBe(becomes === "another program" ? "DISK_FAILED" : becomes);
  if (becomes === "another program")
    expect(report.lastError).toMatchObject({ retryable: true, detail: expect.stringContaining("nother program") });
  broken.end();
  expect(await save()).toMatchObject({ state: "complete", sha256: sha256(file.bytes) });
  expect(await hashOf(folder)).toBe(sha256(file.bytes));
  expect(await namesIn(folder)).toEqual(expect.arrayContaining([defaultName, `${defaultName}.json`]));
}

describe("what a save becomes when a file call fails on any system:", () => {
  test.each(
    titled([
      // Refused for a moment: repeated.
      ...[
        "rename",
        "link",
        "unlink",
        "open",
        "lstat",
        "stat",
        "readdir",
        "realpath",
        "statfs",
        "handle.datasync",
        "handle.sync",
      ].map((call): Row => ({ call, code: "EBUSY", times: 3, becomes: "complete" })),
      ...each(["EINTR", "EAGAIN", "EMFILE", "ENFILE", "ETXTBSY"], { call: "rename", times: 3, becomes: "complete" }),
      // Refused for ever: the other way is taken.
      ...each(["EPERM", "EACCES", "EMLINK", "EXDEV", "EIO", "ENOTSUP", "ENOSYS", "EINVAL"], {
        call: "link",
        becomes: "complete",
      }),
      ...each(["EINVAL", "ENOTSUP", "ENOSYS", "EOPNOTSUPP"], { call: "handle.datasync", becomes: "complete" }),
      ...each(["EBADF", "EINVAL", "ENOTSUP", "EISDIR", "EPERM", "EACCES"], {
        call: "handle.sync",
        becomes: "complete",
      }),
      // Cannot tell: goes on.
      ...each(["EIO", "ENOSYS", "EACCES"], { call: "statfs", becomes: "complete" }),
      ...each(["EIO", "ENOSYS", "EACCES", "ENAMETOOLONG"], { call: "realpath", becomes: "complete" }),
      // The state file is in use for longer than the patience.
      { call: "rename", code: "EBUSY", of: "state", becomes: "another program" },
      { call: "rename", code: "EBUSY", of: "state", after: 1, becomes: "complete" },
      // After the file has its name and record, nothing fails any more.
      ...each(["EBUSY", "EPERM", "EIO"], { call: "unlink", of: "part", becomes: "complete" }),
      ...each(["EBUSY", "EPERM", "EIO"], { call: "unlink", of: "lock", becomes: "complete" }),
      // A failing or full disk.
      { call: "handle.datasync", code: "EIO", becomes: "DISK_FAILED" },
      { call: "rename", code: "EIO", of: "state", after: 1, becomes: "DISK_FAILED" },
      { call: "rename", code: "EIO", of: "record", becomes: "DISK_FAILED" },
      ...each(["ENOSPC", "EDQUOT"], { call: "link", becomes: "DISK_FULL" }),
      { call: "link", code: "EROFS", becomes: "DISK_FAILED" },
      { call: "rename", code: "ENOSPC", of: "state", after: 1, becomes: "DISK_FULL" },
    ]),
  )("%s", (_title, row) => outcome(row));
});

describe("what a save becomes on Windows while another program has a file open:", () => {
  test.each(
    titled([
      ...each(["EPERM", "EACCES", "EBUSY"], { call: "rename", of: "state", times: 8, becomes: "complete" }),
      ...each(["EPERM", "EACCES", "EBUSY"], { call: "rename", of: "record", times: 8, becomes: "complete" }),
      { call: "rename", code: "EPERM", of: "state", after: 1, becomes: "complete" },
      { call: "rename", code: "EACCES", of: "record", becomes: "another program" },
      { call: "unlink", code: "EPERM", of: "part", becomes: "complete" },
      { call: "unlink", code: "EPERM", of: "lock", becomes: "complete" },
      { call: "link", code: "EPERM", of: "part", becomes: "complete" },
    ]),
  )("%s", async (_title, row) => {
    pretendWindows();
    await outcome(row);
  });
});

test("a file that is complete stays complete, with a warning, when its name cannot be brought to the disk", {
  tags: "folder-sync",
}, async () => {
  const file = await remoteFile(60 * KIB);
  const { folder, save } = await stage({}, serve(file));
  await refuse("handle.sync", "EIO", { after: 1 });
  const report = await save();
  expect(report).toMatchObject({ state: "complete", sha256: sha256(file.bytes) });
  expect(report.warnings?.join()).toContain("could not confirm that the name is on the disk");
  expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
});

test("no folder is synced on Windows, which refuses it always and not only for a moment", async () => {
  pretendWindows();
  const { save } = await stage({}, serve(await remoteFile(60 * KIB)));
  const sync = await refuse("handle.sync", "EPERM");
  expect(await save()).toMatchObject({ state: "complete" });
  expect(sync.refused()).toBe(0);
});

describe.each(["EIO", "ESTALE", "ETIMEDOUT"])("where reading answers %s,", (code) => {
  test("a state file is not called another user's, and its part keeps every byte", async () => {
    const file = await remoteFile(200 * KIB);
    const { folder, server, save } = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
    expect(await save()).toMatchObject({ state: "paused" });
    server.script(serve(file));
    const broken = await refuse("open", code, { path: /\.part\.json$/ });
    await expect(save()).rejects.toMatchObject({
      code: "DISK_FAILED",
      envelope: { detail: expect.stringContaining(code) },
    });
    broken.end();
    expect(await save()).toMatchObject({ state: "complete", resumedFromBytes: 100 * KIB });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
  });

  test("a record is not taken for a missing one: nothing is saved again, and lists fail and name it", async () => {
    const { server, save, store } = await stage({}, serve(await remoteFile(60 * KIB)));
    expect(await save("mine.tgz")).toMatchObject({ state: "complete" });
    const broken = await refuse("open", code, { path: /\.tgz\.json$/ });
    const detail = `mine.tgz or its record mine.tgz.json could not be read. The system answered ${code}.`;
    const named = { code: "DISK_FAILED", envelope: { detail } };
    await expect(save()).rejects.toMatchObject(named);
    await expect(listOf(store)).rejects.toMatchObject(named);
    await expect(store.saved(new AbortController().signal)).rejects.toMatchObject(named);
    broken.end();
    expect(await save()).toMatchObject({ state: "complete", isOlder: true });
    expect(server.requests).toHaveLength(1);
  });
});

test.each([
  ["handle.datasync", "ENOTSUP"],
  ["handle.datasync", "EINVAL"],
  ["handle.sync", "EBADF"],
])("the log says once in a save that nothing can be brought to the disk on demand (%s: %s)", async (call, code) => {
  if (call === "handle.sync") needs("folder-sync");
  const events: StoreEvent[] = [];
  const log = (event: StoreEvent) => void events.push(event);
  const file = await remoteFile(300 * KIB);
  const { save } = await stage({ log }, serve(file, { trickle: { bytes: 32 * KIB, ms: 10 } }));
  const broken = await refuse(call, code);
  expect(await save()).toMatchObject({ state: "complete" });
  expect(broken.refused()).toBeGreaterThan(1);
  expect(events.filter(({ event }) => event === "folder-unsynced")).toHaveLength(1);
});

test("the log does not say so where everything is brought to the disk", async () => {
  const events: StoreEvent[] = [];
  const log = (event: StoreEvent) => void events.push(event);
  const { save } = await stage({ log }, serve(await remoteFile(60 * KIB)));
  expect(await save()).toMatchObject({ state: "complete" });
  expect(events.map(({ event }) => event)).not.toContain("folder-unsynced");
});

test("a save stays complete when its part cannot be closed", async () => {
  const file = await remoteFile(60 * KIB);
  const { folder, save } = await stage({}, serve(file));
  await change("open", (original) => async (...args) => {
    const handle = await original(...args);
    if (PATHS.part.test(String(args[0])) && handle instanceof Object) {
      const close: unknown = Reflect.get(handle, "close");
      Reflect.set(handle, "close", async () => {
        if (typeof close === "function") await close();
        throw Object.assign(new Error("EIO"), { code: "EIO" });
      });
    }
    return handle;
  });
  expect(await save()).toMatchObject({ state: "complete", sha256: sha256(file.bytes) });
  expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
});

describe("a call that did its work although it answers with an error, as over a network, is no failure:", () => {
  const rows: [call: string, of: keyof typeof PATHS | "final", code: string][] = [
    ["rename", "state", "EIO"],
    ["rename", "record", "ENOENT"],
    ["link", "final", "EIO"],
    ["link", "final", "EEXIST"],
    ["rename", "final", "EIO"],
  ];

  test.each(rows)("%s to the %s, %s", async (call, of, code) => {
    const file = await remoteFile(60 * KIB);
    const { folder, save } = await stage({}, serve(file));
    if (call === "rename" && of === "final") await refuse("link", "ENOTSUP");
    await change(call, (original) => async (...args) => {
      await original(...args);
      const to = String(args[1]);
      if (of === "final" ? to.endsWith(".tgz") : PATHS[of].test(to)) throw Object.assign(new Error(code), { code });
    });
    expect(await save()).toMatchObject({ state: "complete", sha256: sha256(file.bytes) });
    expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
  });
});

test.each([
  ["", 1n],
  [" although its number differs in no bit that a number of JavaScript has", 2n ** 60n],
])(
  "where a second name looks like another file, as on sshfs,%s, the file gets its name in the other way",
  async (_how, ino) => {
    const file = await remoteFile(60 * KIB);
    const { folder, save } = await stage({}, serve(file));
    const linked = new Set<string>();
    await change("link", (original) => async (...args) => {
      await original(...args);
      linked.add(String(args[1]));
    });
    await change("lstat", (original) => async (...args) => {
      const entry = await original(...args);
      const isProbe = String(args[0]).includes(".probe-");
      if (isProbe && entry instanceof Object) Reflect.set(entry, "ino", linked.has(String(args[0])) ? ino + 1n : ino);
      return entry;
    });
    expect(await save()).toMatchObject({ state: "complete", sha256: sha256(file.bytes) });
    expect([...linked].filter((path) => !path.includes(".probe-"))).toEqual([]);
    expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
  },
);

test("free space is unknown, not zero, where the file system answers zeros", async () => {
  const file = await remoteFile(60 * KIB);
  const { store, save } = await stage({}, serve(file));
  await change("statfs", () => async () => ({ bavail: 0, bsize: 4096, blocks: 0, files: 0 }));
  expect(await save()).toMatchObject({ state: "complete" });
  expect(await listOf(store)).not.toHaveProperty("freeBytes");
});

test("a file is renamed over a part only after this process has closed both", { tags: "linux" }, async () => {
  const file = await remoteFile(300 * KIB);
  const { folder, server, save } = await stage({}, serve(file, { after: 150 * KIB }), serve(file, { after: 0 }));
  expect(await save()).toMatchObject({ state: "paused" });
  const state = join(folder, `${defaultName}.part.json`);
  const json = JSON.parse(await readFile(state, "utf8"));
  // As if another computer still had the part open: the part is copied and the copy takes its name.
  const writer = { pid: 1, space: "elsewhere", token: "0123abcd" };
  await writeFile(state, `${JSON.stringify({ ...json, writer }, undefined, 2)}\n`);
  const openAtRename: string[] = [];
  let renamed = 0;
  await change("rename", (original) => async (...args) => {
    if (PATHS.part.test(String(args[1]))) {
      renamed += 1;
      openAtRename.push(...(await openFiles()));
    }
    return original(...args);
  });
  server.script(serve(file));
  expect(await save()).toMatchObject({ state: "complete" });
  expect(renamed).toBe(1);
  expect(openAtRename.filter((path) => path.includes(`${defaultName}.part`))).toEqual([]);
});

/** The files that this process has open, by proc(5). */
async function openFiles(): Promise<string[]> {
  const links = await readdir("/proc/self/fd");
  return Promise.all(links.map((link) => readlink(`/proc/self/fd/${link}`).catch(() => "")));
}
