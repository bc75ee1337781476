import { appendFile, chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../fixtures.ts";
import { atlasOfClusters, complete, projectId, type TestCluster } from "../../tools/atlas-of-clusters.ts";
import { idOf, putFile } from "../../tools/saved-folder.ts";
import { looked, shop, shown } from "./looked.ts";

const OLD = ["--max-saved-age", "2d"];
const orders: TestCluster = { name: "orders", fields: { id: "5fa1000000000000000000d1" }, snapshots: [complete(3)] };
const ofOrders = { name: "orders", groupId: projectId(0), projectName: "Shop" };
const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();

/** A home whose download folder holds these files of the cluster orders; a later one is named `2.tgz` and so on. */
async function homeWith(...files: Parameters<typeof putFile>[3][]) {
  const home = await temporaryFolder();
  const folder = join(home, "snapshots");
  await mkdir(folder, { mode: 0o700 });
  for (const [index, file] of files.entries())
    await putFile(folder, index + 1, `${index + 1}.tgz`, { ...ofOrders, finishTime: ago(5), ...file });
  return { home, folder };
}

async function lookedWith(home: string, args: string[], ...clusters: TestCluster[]) {
  const { env } = await atlasOfClusters(shop(...(clusters.length > 0 ? clusters : [orders])));
  return looked({ env, args, home });
}

describe("the newest file", () => {
  test("is shown with the age of its backup, whenever it was saved", async () => {
    const { home, folder } = await homeWith({ finishTime: ago(100) }, { finishTime: ago(30) }, { finishTime: ago(60) });
    const { code, clusters, folder: shownFolder } = await lookedWith(home, OLD);
    expect({ code, shownFolder }).toEqual({ code: 0, shownFolder: folder });
    expect(clusters[0]?.newestFile).toMatchObject({
      fileName: "2.tgz",
      path: join(folder, "2.tgz"),
      bytes: 8,
      snapshotId: idOf(2),
      ageHours: 30,
    });
    const { env } = await atlasOfClusters(shop(orders));
    expect((await shown({ env, home })).stdout).toMatch(/^✓ orders +Shop +.* +30 hours ago$/m);
  });

  test.each<[string, Parameters<typeof putFile>[3], string]>([
    ["is older than that", { finishTime: ago(60) }, "The backup in its newest file here is 60 hours old."],
    [
      "is a little older than that",
      { finishTime: ago(48.1) },
      "The backup in its newest file here is more than 48 hours old.",
    ],
    ["is not saved at all", { name: "others" }, "No sound file of it is saved here."],
    ["is of another project", { groupId: projectId(7) }, "No sound file of it is saved here."],
    [
      "is of an earlier cluster of the name",
      { clusterId: "5fa1000000000000000000d9" },
      "No sound file of it is saved here.",
    ],
    [
      "is of unknown age",
      { finishTime: "long ago" },
      "How old the backup in its newest file here is, is not recorded.",
    ],
  ])("counts only with --max-saved-age, and fails if it %s", async (_, file, sentence) => {
    const { home } = await homeWith(file);
    expect(await lookedWith(home, [])).toMatchObject({ code: 0, sentences: [] });
    expect(await lookedWith(home, OLD)).toMatchObject({ code: 1, sentences: [sentence], maxSavedAgeHours: 48 });
  });

  test("counts with the cluster's own id, and without one", async () => {
    const { home } = await homeWith({ clusterId: "5fa1000000000000000000d1" });
    expect((await lookedWith(home, OLD)).code).toBe(0);
    expect((await lookedWith((await homeWith({})).home, OLD)).code).toBe(0);
  });

  test("is not one that has another size than it was saved with", async () => {
    const { home, folder } = await homeWith({});
    await appendFile(join(folder, "1.tgz"), "more");
    const { clusters, sentences } = await lookedWith(home, OLD);
    expect(clusters[0]?.newestFile).toBeUndefined();
    expect(sentences).toEqual([
      "1.tgz was written to since it was saved, so it does not count. The command save reads it again.",
      "No sound file of it is saved here.",
    ]);
  });

  test("is not one without a readable record", async () => {
    const { home, folder } = await homeWith({});
    await writeFile(join(folder, "1.tgz.json"), "{");
    expect((await lookedWith(home, OLD)).sentences).toEqual(["No sound file of it is saved here."]);
  });

  test("is not a simulated one, nor with --simulate a real one", async () => {
    const { home, folder } = await homeWith();
    await putFile(folder, 1, "simulated-1.tgz", { ...ofOrders, finishTime: ago(5) });
    expect((await lookedWith(home, OLD)).sentences).toEqual(["No sound file of it is saved here."]);
    const simulated = join(folder, "simulated");
    await mkdir(simulated, { mode: 0o700 });
    const own = { ...ofOrders, groupId: "5fa1000000000000000000b1", finishTime: ago(5) };
    await putFile(simulated, 1, "1.tgz", own);
    const args = ["--simulate", "--cluster", "orders", ...OLD];
    expect((await looked({ home, args })).code).toBe(1);
    await putFile(simulated, 2, "simulated-2.tgz", own);
    expect((await looked({ home, args })).code).toBe(0);
  });
});

test("a cluster too young for a backup owes no file", async () => {
  const fields = { createDate: ago(20) };
  const { home } = await homeWith();
  expect(await lookedWith(home, OLD, { name: "young", fields, snapshots: [] })).toMatchObject({
    code: 0,
    sentences: [],
  });
  expect((await lookedWith(home, OLD, { name: "young", fields, snapshots: [complete(1)] })).code).toBe(1);
});

describe("a newest file that is not sound", () => {
  const damaged = "The archive in 2.tgz is incomplete: do not restore from it.";

  test("fails without --max-saved-age too, and the sound one before it is shown", async () => {
    const { home } = await homeWith({ finishTime: ago(30) }, { finishTime: ago(5), sound: false });
    const { code, sentences, clusters } = await lookedWith(home, []);
    expect({ code, sentences }).toEqual({ code: 1, sentences: [damaged] });
    expect(clusters[0]?.newestFile?.fileName).toBe("1.tgz");
  });

  test("is not saved for --max-saved-age", async () => {
    const { home } = await homeWith({ name: "others" }, { sound: false });
    expect((await lookedWith(home, OLD)).sentences).toEqual([damaged, "No sound file of it is saved here."]);
  });

  test("does no harm where a sound file of the same or a newer backup is here", async () => {
    const same = ago(5);
    const again = await homeWith({ finishTime: same, sound: false }, { finishTime: same });
    expect((await lookedWith(again.home, OLD)).code).toBe(0);
    const newer = await homeWith({ finishTime: ago(30), sound: false }, { finishTime: ago(5) });
    expect((await lookedWith(newer.home, OLD)).code).toBe(0);
  });
});

describe("a download folder that cannot be used", () => {
  test("fails once, and no cluster is said to lack a file", { tags: "modes" }, async () => {
    const { home, folder } = await homeWith({});
    await chmod(folder, 0o777);
    const { env } = await atlasOfClusters(shop(orders));
    const { code, sentences } = await looked({ env, home, args: OLD });
    expect(code).toBe(1);
    expect(sentences).toEqual([
      expect.stringMatching(/^The download folder could not be read\. DOWNLOAD_DIR_UNUSABLE: /),
    ]);
    expect((await shown({ env, home })).stdout).toMatch(/^✗ The download folder [\s\S]*\n✓ orders .* not read$/m);
  });

  test("fails where a file has its name", async () => {
    const home = await temporaryFolder();
    await writeFile(join(home, "snapshots"), "");
    expect((await lookedWith(home, [])).wrong).toEqual([expect.stringContaining("DOWNLOAD_DIR_UNUSABLE")]);
  });

  test("is no problem where it does not exist and no file is owed", async () => {
    expect((await lookedWith(await temporaryFolder(), [])).code).toBe(0);
    expect((await lookedWith(await temporaryFolder(), OLD)).code).toBe(1);
  });
});
