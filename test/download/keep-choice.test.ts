import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KeepOrder } from "../../src/download/contract.ts";
import { defaultFileName } from "../../src/download/folder/file-name.ts";
import type { RecordedFile } from "../../src/download/folder/saved-files.ts";
import { chooseOlder } from "../../src/download/keep-newest.ts";

const GROUP = "5fa1000000000000000000b1";
const CLUSTER = "5fa1000000000000000000d1";
const OTHER = "5fa1000000000000000000ff";

/** Later than the newest of these backups. */
const NOW = Date.parse("2026-11-22T04:00:00Z");

interface Sketch {
  day: number;
  /** The prefix of the file's name. */
  prefix?: string;
  /** A name that a person chose. */
  chosen?: string | undefined;
  clusterName?: string;
  kind?: RecordedFile["record"]["contents"]["kind"];
  groupId?: string;
  clusterId?: string | undefined;
  finishTime?: string | undefined;
  sound?: boolean;
  state?: RecordedFile["state"];
}

const snapshotOf = (day: number) => `5fa100000000000000000${String(day).padStart(3, "0")}`;
const timeOf = (day: number) => `2026-11-${String(day).padStart(2, "0")}T03:01:10Z`;

/** A finished file with its record; a higher day is a newer backup. */
function fileOf({ day, prefix = "", chosen, groupId = GROUP, sound = true, state = "untouched", ...more }: Sketch) {
  const clusterId = "clusterId" in more ? more.clusterId : CLUSTER;
  const finishTime = "finishTime" in more ? more.finishTime : timeOf(day);
  const identity = { groupId, name: more.clusterName ?? "orders", snapshotId: snapshotOf(day) };
  const facts = { ...(finishTime !== undefined && { finishTime }), ...(clusterId !== undefined && { clusterId }) };
  const file: RecordedFile = {
    fileName: chosen ?? defaultFileName(prefix, identity, facts),
    state,
    record: {
      identity,
      facts,
      sound,
      bytes: 8,
      mtimeMs: 0,
      sha256: "0".repeat(64),
      integrity: { gzip: "ok", length: "ok", md5: "not-verifiable" },
      contents: { kind: more.kind ?? "data-directory", unpackedBytes: 8 },
      savedAt: "2026-11-22T04:00:00.000Z",
    },
  };
  return file;
}

function orderOf(changes: Partial<KeepOrder> = {}): KeepOrder {
  const saved = { fileName: nameOf(9) };
  return { groupId: GROUP, name: "orders", clusterId: CLUSTER, count: 2, saved, evenUnprotected: false, ...changes };
}

function choiceOf(sketches: readonly Sketch[], changes: Partial<KeepOrder> = {}, filePrefix = "") {
  const { stay, go, changed, left } = chooseOlder(sketches.map(fileOf), orderOf(changes), { filePrefix, now: NOW });
  const names = (files: readonly RecordedFile[]) => files.map(({ fileName }) => fileName);
  return { stay: names(stay), go: names(go), changed, left };
}

const nameOf = (day: number, prefix = "") => fileOf({ day, prefix }).fileName;
const names = (...numbers: number[]) => numbers.map((day) => nameOf(day));

const days = (...numbers: number[]): Sketch[] => numbers.map((day) => ({ day }));

describe("of the files of a cluster", () => {
  test("the newest by the times of their backups stay, in whatever order they are listed, and the oldest goes first", () => {
    expect(choiceOf(days(7, 9, 5, 8, 6))).toEqual({ stay: names(9, 8), go: names(5, 6, 7), changed: [], left: [] });
  });

  test("only the one just saved stays when one is to stay", () => {
    expect(choiceOf(days(9, 8, 7), { count: 1 })).toMatchObject({ stay: names(9), go: names(7, 8) });
  });

  test("all stay when there are no more than are to stay", () => {
    expect(choiceOf(days(9, 8), { count: 999_999 })).toMatchObject({ stay: names(9, 8), go: [] });
  });

  test("the one just saved stays beside the newest although its backup is older", () => {
    expect(choiceOf(days(9, 8, 7, 4, 3), { saved: { fileName: nameOf(4) } })).toMatchObject({
      stay: names(9, 8, 4),
      go: names(3, 7),
    });
  });

  test("those that finished in the same second are ordered by their ids, so that two processes choose the same", () => {
    const twins = days(6, 7, 8, 9).map((sketch) => ({ ...sketch, finishTime: timeOf(9) }));
    const nameOfTwin = (day: number) => fileOf({ day, finishTime: timeOf(9) }).fileName;
    for (const listed of [twins, twins.toReversed()])
      expect(choiceOf(listed)).toMatchObject({ stay: [9, 8].map(nameOfTwin), go: [6, 7].map(nameOfTwin) });
  });

  test("one that was written to without a new size counts like the others, since it is read before anything goes", () => {
    expect(choiceOf([...days(9), { day: 8, state: "touched" }, { day: 7, state: "touched" }])).toMatchObject({
      stay: names(9, 8),
      go: names(7),
    });
  });

  test("a record without its file counts for nothing, and goes only where its file would have gone", () => {
    const orphans = [10, 8, 5].map((day): Sketch => ({ day, state: "gone" }));
    expect(choiceOf([...orphans, ...days(9, 7, 6)])).toEqual({
      stay: names(9, 7),
      go: names(5, 6),
      changed: [],
      left: [],
    });
  });
});

describe("a file whose size is not the recorded one", () => {
  test("is named where it would have stayed", () => {
    expect(choiceOf([...days(9, 7, 6), { day: 8, state: "changed" }])).toMatchObject({ changed: names(8), left: [] });
  });

  test("is named when it is the one just saved", () => {
    expect(choiceOf([{ day: 9, state: "changed" }, ...days(8, 7, 6)])).toMatchObject({ changed: names(9) });
  });

  test("is neither counted nor deleted where it is older", () => {
    expect(choiceOf([...days(9, 8, 6), { day: 7, state: "changed" }])).toEqual({
      stay: names(9, 8),
      go: names(6),
      changed: [],
      left: names(7),
    });
  });
});

test.each<[string, Partial<Sketch>]>([
  ["of another cluster of the same name", { clusterId: OTHER }],
  ["of another name", { clusterName: "customers" }],
  ["of another project", { groupId: OTHER }],
  ["whose record names no id of a cluster", { clusterId: undefined }],
  ["that is not sound", { sound: false }],
  ["of no kind that is recognised", { kind: "unknown" }],
  ["whose record has no finish time", { finishTime: undefined }],
  ["whose finish time is none", { finishTime: "2026-99-99T99:99:99Z" }],
  ["whose finish time is more than an hour ahead", { finishTime: "2026-11-22T05:00:01Z" }],
  ["that is simulated", { prefix: "simulated-" }],
])("a file %s is neither counted nor deleted", (_what, stranger) => {
  const strangers = [1, 10].map((day) => ({ ...stranger, day }));
  expect(choiceOf([...strangers, ...days(9, 8, 7)])).toEqual({
    stay: names(9, 8),
    go: names(7),
    changed: [],
    left: [],
  });
});

test("a file whose finish time is less than an hour ahead counts, since clocks differ", () => {
  const ahead = { day: 10, finishTime: "2026-11-22T04:59:59Z" };
  expect(choiceOf([ahead, ...days(9, 8)])).toMatchObject({ stay: [fileOf(ahead).fileName, nameOf(9)], go: names(8) });
});

test("a file under a name that a person chose, such as a copy, is neither counted nor deleted, even if it is changed", () => {
  const copies = [10, 9, 8, 7, 1].flatMap((day): Sketch[] => [
    { day, chosen: `copy-${day}.tgz` },
    { day, chosen: `Copy-${day}.tgz`, state: "changed" },
  ]);
  expect(choiceOf([...copies, ...days(9, 8, 7)])).toEqual({ stay: names(9, 8), go: names(7), changed: [], left: [] });
});

test("a simulated save counts and deletes simulated files only", () => {
  const simulated = days(9, 8, 7).map(({ day }) => ({ day, prefix: "simulated-" }));
  const saved = { fileName: nameOf(9, "simulated-") };
  expect(choiceOf([...simulated, ...days(6, 5)], { saved }, "simulated-")).toEqual({
    stay: [nameOf(9, "simulated-"), nameOf(8, "simulated-")],
    go: [nameOf(7, "simulated-")],
    changed: [],
    left: [],
  });
});

const sketch: fc.Arbitrary<Sketch> = fc
  .record({
    groupId: fc.constantFrom(GROUP, GROUP, GROUP, OTHER),
    clusterId: fc.constantFrom(CLUSTER, CLUSTER, CLUSTER, OTHER, undefined),
    clusterName: fc.constantFrom("orders", "orders", "orders", "customers"),
    sound: fc.constantFrom(true, true, true, false),
    kind: fc.constantFrom("data-directory", "dump-directory", "unknown"),
    state: fc.constantFrom("untouched", "untouched", "touched", "changed", "gone"),
    time: fc.constantFrom("of its day", "of its day", "of its day", "none", "ahead"),
    chosen: fc.constantFrom(undefined, undefined, undefined, "chosen"),
    prefix: fc.constantFrom("", "", "", "simulated-"),
  })
  .map(({ time, ...rest }) => ({
    ...rest,
    day: 0,
    ...(time !== "of its day" && { finishTime: time === "none" ? undefined : "2026-12-01T00:00:00Z" }),
  }));

/** Each file is of a backup of its own, since a save gives only one name to each. */
const folder = fc
  .array(sketch, { maxLength: 20 })
  .map((sketches) =>
    sketches.map((each, index) => ({ ...each, day: index + 1, chosen: each.chosen && `${each.chosen}-${index}.tgz` })),
  );

test("whatever is in the folder, only older sound files of the cluster go, and the ordered number of backups stays", () => {
  fc.assert(
    fc.property(
      folder,
      fc.nat(),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom("", "simulated-"),
      (sketches, pick, count, filePrefix) => {
        const files = sketches.map(fileOf);
        const fileName = files[pick % Math.max(1, files.length)]?.fileName ?? "none.tgz";
        const order = orderOf({ count, saved: { fileName } });
        const { stay, go, changed, left } = chooseOlder(files, order, { filePrefix, now: NOW });

        const ours = files.filter(
          ({ record: { identity, facts, sound, contents } }, index) =>
            identity.groupId === GROUP &&
            identity.name === "orders" &&
            facts.clusterId === CLUSTER &&
            facts.finishTime?.startsWith("2026-11-") &&
            sound &&
            contents.kind !== "unknown" &&
            sketches[index]?.chosen === undefined &&
            sketches[index]?.prefix === filePrefix,
        );
        const countable = ours.filter(({ state }) => state === "untouched" || state === "touched");
        expect(countable).toEqual(expect.arrayContaining([...stay, ...go.filter(({ state }) => state !== "gone")]));
        expect(countable.filter((file) => !stay.includes(file) && !go.includes(file))).toEqual([]);
        expect(go.filter((file) => stay.includes(file) || file.fileName === fileName)).toEqual([]);
        // As many as there are stay, up to the ordered number.
        expect(stay.length).toBeGreaterThanOrEqual(Math.min(count, countable.length));
        const oldest =
          stay
            .map(({ record }) => record.identity.snapshotId)
            .toSorted()
            .slice(-count)[0] ?? "";
        for (const { record } of go) expect(record.identity.snapshotId < oldest).toBe(true);
        expect(ours.filter(({ state }) => state === "changed").map((file) => file.fileName)).toHaveLength(
          changed.length + left.length,
        );
        for (const name of [...changed, ...left])
          expect(ours.find((file) => file.fileName === name)?.state).toBe("changed");
      },
    ),
    { numRuns: 2_000 },
  );
});
