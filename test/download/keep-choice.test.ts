import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KeepOrder } from "../../src/download/contract.ts";
import type { RecordedFile } from "../../src/download/folder/saved-files.ts";
import { chooseOlder } from "../../src/download/keep-newest.ts";

const GROUP = "5fa1000000000000000000b1";
const CLUSTER = "5fa1000000000000000000d1";
const OTHER = "5fa1000000000000000000ff";

interface Sketch {
  day: number;
  name?: string;
  groupId?: string;
  clusterId?: string | undefined;
  finishTime?: string | undefined;
  sound?: boolean;
  state?: RecordedFile["state"];
}

const snapshotOf = (day: number) => `5fa100000000000000000${String(day).padStart(3, "0")}`;
const timeOf = (day: number) => `2026-11-${String(day).padStart(2, "0")}T03:01:10Z`;

/** A finished file with its record; a higher day is a newer backup. */
function fileOf({ day, name = `${day}.tgz`, groupId = GROUP, sound = true, state = "untouched", ...facts }: Sketch) {
  const clusterId = "clusterId" in facts ? facts.clusterId : CLUSTER;
  const finishTime = "finishTime" in facts ? facts.finishTime : timeOf(day);
  const file: RecordedFile = {
    fileName: name,
    state,
    record: {
      identity: { groupId, name: "orders", snapshotId: snapshotOf(day) },
      facts: { ...(finishTime !== undefined && { finishTime }), ...(clusterId !== undefined && { clusterId }) },
      sound,
      bytes: 8,
      mtimeMs: 0,
      sha256: "0".repeat(64),
      integrity: { gzip: "ok", length: "ok", md5: "not-verifiable" },
      contents: { kind: "data-directory", unpackedBytes: 8 },
      savedAt: "2026-11-22T04:00:00.000Z",
    },
  };
  return file;
}

function orderOf(changes: Partial<KeepOrder> = {}): KeepOrder {
  const saved = { fileName: "9.tgz" };
  return { groupId: GROUP, clusterId: CLUSTER, count: 2, saved, evenUnprotected: false, ...changes };
}

function choiceOf(sketches: readonly Sketch[], changes: Partial<KeepOrder> = {}, filePrefix = "") {
  const { stay, go, changed } = chooseOlder(sketches.map(fileOf), orderOf(changes), filePrefix);
  const names = (files: readonly RecordedFile[]) => files.map(({ fileName }) => fileName);
  return { stay: names(stay), go: names(go), changed };
}

const days = (...numbers: number[]): Sketch[] => numbers.map((day) => ({ day }));

describe("of the files of a cluster", () => {
  test("the newest by the times of their backups stay, in whatever order they are listed, and the oldest goes first", () => {
    expect(choiceOf(days(7, 9, 5, 8, 6))).toEqual({
      stay: ["9.tgz", "8.tgz"],
      go: ["5.tgz", "6.tgz", "7.tgz"],
      changed: [],
    });
  });

  test("only the one just saved stays when one is to stay", () => {
    expect(choiceOf(days(9, 8, 7), { count: 1 })).toMatchObject({ stay: ["9.tgz"], go: ["7.tgz", "8.tgz"] });
  });

  test("all stay when there are no more than are to stay", () => {
    expect(choiceOf(days(9, 8), { count: 999_999 })).toMatchObject({ stay: ["9.tgz", "8.tgz"], go: [] });
  });

  test("the one just saved stays beside the newest although its backup is older, under each of its names", () => {
    const copies = ["a.tgz", "z.tgz"].map((name) => ({ day: 4, name }));
    for (const { name } of copies)
      expect(choiceOf([...days(9, 8, 7), ...copies, ...days(3)], { saved: { fileName: name } })).toMatchObject({
        stay: ["9.tgz", "8.tgz", "a.tgz", "z.tgz"],
        go: ["3.tgz", "7.tgz"],
      });
  });

  test("several of one backup count as one, and go together", () => {
    const copy = (day: number) => ({ day, name: `copy-${day}.tgz` });
    expect(choiceOf([...days(9, 8, 7), copy(8), copy(7)])).toEqual({
      stay: ["9.tgz", "8.tgz", "copy-8.tgz"],
      go: ["copy-7.tgz", "7.tgz"],
      changed: [],
    });
  });

  test("those that finished in the same second are ordered by their ids, so that two processes choose the same", () => {
    const twins = days(6, 7, 8, 9).map((sketch) => ({ ...sketch, finishTime: timeOf(9) }));
    for (const listed of [twins, twins.toReversed()])
      expect(choiceOf(listed)).toMatchObject({ stay: ["9.tgz", "8.tgz"], go: ["6.tgz", "7.tgz"] });
  });

  test("one that was written to without a new size counts like the others, since it is read before anything goes", () => {
    expect(choiceOf([...days(9), { day: 8, state: "touched" }, { day: 7, state: "touched" }])).toMatchObject({
      stay: ["9.tgz", "8.tgz"],
      go: ["7.tgz"],
    });
  });
});

describe("a file whose size is not the recorded one", () => {
  test("is named where it would have stayed", () => {
    expect(choiceOf([...days(9, 7, 6), { day: 8, state: "changed" }])).toMatchObject({ changed: ["8.tgz"] });
  });

  test("is named as another copy of a backup that stays", () => {
    const copy: Sketch = { day: 8, name: "copy.tgz", state: "changed" };
    expect(choiceOf([...days(9, 8, 7), copy])).toMatchObject({ changed: ["copy.tgz"] });
  });

  test("is named when it is the one just saved", () => {
    expect(choiceOf([{ day: 9, state: "changed" }, ...days(8, 7, 6)])).toMatchObject({ changed: ["9.tgz"] });
  });

  test("is neither counted nor deleted where it is older", () => {
    expect(choiceOf([...days(9, 8, 6), { day: 7, state: "changed" }])).toEqual({
      stay: ["9.tgz", "8.tgz"],
      go: ["6.tgz"],
      changed: [],
    });
  });
});

test.each<[string, Sketch]>([
  ["of another cluster of the same name", { day: 1, clusterId: OTHER }],
  ["of another project", { day: 1, groupId: OTHER }],
  ["whose record names no id of a cluster", { day: 1, clusterId: undefined }],
  ["that is not sound", { day: 1, sound: false }],
  ["whose record has no finish time", { day: 1, finishTime: undefined }],
  ["whose finish time is none", { day: 1, finishTime: "2026-99-99T99:99:99Z" }],
  ["that is simulated", { day: 1, name: "simulated-1.tgz" }],
])("a file %s is neither counted nor deleted", (_what, stranger) => {
  const newer = { ...stranger, day: 10, name: stranger.name?.replace("1", "10") ?? "10.tgz" };
  const strangers = [stranger, newer];
  expect(choiceOf([...strangers, ...days(9, 8, 7)])).toEqual({
    stay: ["9.tgz", "8.tgz"],
    go: ["7.tgz"],
    changed: [],
  });
});

test("a simulated save counts and deletes simulated files only", () => {
  const simulated = days(9, 8, 7).map(({ day }) => ({ day, name: `simulated-${day}.tgz` }));
  const saved = { fileName: "simulated-9.tgz" };
  expect(choiceOf([...simulated, ...days(6, 5)], { saved }, "simulated-")).toEqual({
    stay: ["simulated-9.tgz", "simulated-8.tgz"],
    go: ["simulated-7.tgz"],
    changed: [],
  });
});

const sketch: fc.Arbitrary<Sketch> = fc
  .record({
    day: fc.integer({ min: 1, max: 9 }),
    groupId: fc.constantFrom(GROUP, GROUP, GROUP, OTHER),
    clusterId: fc.constantFrom(CLUSTER, CLUSTER, CLUSTER, OTHER, undefined),
    sound: fc.constantFrom(true, true, true, false),
    state: fc.constantFrom<RecordedFile["state"]>("untouched", "untouched", "touched", "changed"),
    isTimed: fc.constantFrom(true, true, true, false),
    isSimulated: fc.constantFrom(false, false, false, true),
  })
  .map(({ isTimed, isSimulated, ...rest }) => ({
    ...rest,
    ...(!isTimed && { finishTime: undefined }),
    name: isSimulated ? "simulated-" : "",
  }));

const folder = fc
  .array(sketch, { maxLength: 24 })
  .map((sketches) => sketches.map((each, index) => ({ ...each, name: `${each.name}${index}.tgz` })));

test("whatever is in the folder, only older sound files of the cluster go, and the ordered number of backups stays", () => {
  fc.assert(
    fc.property(
      folder,
      fc.nat(),
      fc.integer({ min: 1, max: 6 }),
      fc.boolean(),
      (sketches, pick, count, isSimulated) => {
        const filePrefix = isSimulated ? "simulated-" : "";
        const fileName = sketches[pick % Math.max(1, sketches.length)]?.name ?? "none.tgz";
        const files = sketches.map(fileOf);
        const { stay, go, changed } = chooseOlder(files, orderOf({ count, saved: { fileName } }), filePrefix);

        const countable = files.filter(
          (file) =>
            file.record.identity.groupId === GROUP &&
            file.record.facts.clusterId === CLUSTER &&
            file.record.facts.finishTime !== undefined &&
            file.record.sound &&
            file.state !== "changed" &&
            file.fileName.startsWith("simulated-") === isSimulated,
        );
        const backups = (some: readonly RecordedFile[]) =>
          new Set(some.map(({ record }) => record.identity.snapshotId));
        expect(countable).toEqual(expect.arrayContaining([...stay, ...go]));
        expect(stay.length + go.length).toBe(countable.length);
        expect(go.map((file) => file.fileName)).not.toContain(fileName);
        // Each backup is kept or goes as a whole, and as many as exist stay, up to the ordered number.
        expect([...backups(go)].filter((id) => backups(stay).has(id))).toEqual([]);
        expect(backups(stay).size).toBeGreaterThanOrEqual(Math.min(count, backups(countable).size));
        const oldest = [...backups(stay)].toSorted().slice(-count)[0] ?? "";
        for (const id of backups(go)) expect(id < oldest).toBe(true);
        for (const name of changed) expect(files.find((file) => file.fileName === name)?.state).toBe("changed");
      },
    ),
    { numRuns: 2_000 },
  );
});
