import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { ERAS, saveShown, serverOf, show, withBrowser } from "./shown.ts";
import { listed } from "./states.ts";

withBrowser();

const SNAPSHOT = { groupId: SIMULATED.groupId, name: SIMULATED.name, snapshotId: SIMULATED.downloadedSnapshotId };
const SLOW = { ATLAS_FLEX_SIMULATOR_BYTES: "24MiB", ATLAS_FLEX_SIMULATOR_RATE: "4MiB" };
const WHICH = `View of a save, groupId ${SNAPSHOT.groupId}, snapshotId ${SNAPSHOT.snapshotId}`;

describe.each(ERAS)("a client of %s", (era) => {
  test("shows a save from its download to the verified file, which pauses and continues when the person presses", async () => {
    const server = await serverOf(era, [], SLOW);
    const shown = await saveShown(server, { ...SNAPSHOT, waitSeconds: 0 });
    const { view, text, buttons, calls, told } = shown;
    await expect.poll(() => text("progress")).toMatch(/^\d+ % · [\d.]+ MB of 25\.2 MB · [\d.]+ MB\/s · about .+ left$/);
    expect(await text("mark")).toBe("Downloading");
    expect(await text("name")).toBe("orders");
    expect(await text("facts")).toMatch(/^backup of \w{3} .+ ago · simulated$/);

    await view.click("#pause");
    await expect.poll(() => text("mark")).toBe("Paused");
    expect(await buttons()).toEqual(["Continue", "Give up"]);
    expect(await server.call("list_saved_snapshots", {})).toMatchObject({
      structuredContent: { transfers: [{ state: "paused" }] },
    });

    await view.click("#continue");
    await expect.poll(() => text("mark")).toBe("Downloading");
    await expect.poll(() => text("mark"), { timeout: 30_000 }).toBe("Complete");
    const path = await text("path");
    const bytes = await readFile(path);
    expect(await text("sha256")).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(await text("progress")).toBe("25.2 MB");
    expect(await buttons()).toEqual(["Copy", "Copy"]);

    expect(calls.filter(({ name }) => name !== "list_saved_snapshots")).toEqual([
      { name: "stop_saving_snapshot", args: { snapshotId: SNAPSHOT.snapshotId } },
      { name: "save_flex_snapshot", args: { ...SNAPSHOT, waitSeconds: 0 } },
    ]);
    await expect
      .poll(() => told)
      .toEqual([
        expect.stringMatching(
          new RegExp(`^${WHICH}: paused, \\d+ bytes, paused by the person: continue only when asked\\.$`),
        ),
        expect.stringMatching(new RegExp(`^${WHICH}: \\w+(, \\d+ bytes)?, continued by the person\\.$`)),
        `${WHICH}: complete, ${bytes.length} bytes, seen by the view.`,
      ]);
    expect(shown).toMatchObject({ outside: [], errors: [] });
  });

  test("shows a save by name that is still being looked up", async () => {
    const server = await serverOf(era, [], SLOW);
    const shown = await show(server.html, server.call);
    await shown.send("ToolInput", { arguments: { name: SNAPSHOT.name } });
    expect(await shown.text("mark")).toBe("Looking for the backup");
    const answer = server.call("save_flex_snapshot", { name: SNAPSHOT.name, waitSeconds: 20 });
    await expect.poll(() => shown.text("mark")).toBe("Downloading");
    await shown.send("ToolResult", await answer);
    await expect.poll(() => shown.text("mark")).toBe("Complete");
    expect(await shown.text("facts")).toMatch(/^Simulated shop · backup of \w{3} .+ ago · simulated$/);
    expect(await shown.text("sha256")).toMatch(/^[a-f0-9]{64}$/);
  });
});

const [era] = ERAS;

test("a save that was ordered by name alone and without a wait has its buttons once its backup is found", async () => {
  const server = await serverOf(era, [], SLOW);
  const order = { name: SNAPSHOT.name, waitSeconds: 0 };
  const { view, text, buttons, calls } = await saveShown(server, order);
  await view.evaluate(`globalThis.marks = []; new MutationObserver(() => marks.push(mark.textContent))
    .observe(mark, { childList: true, characterData: true, subtree: true })`);
  await expect.poll(() => text("mark")).toBe("Downloading");
  expect(await buttons()).toEqual(["Pause", "Give up"]);
  await view.click("#pause");
  await expect.poll(() => text("mark")).toBe("Paused");
  expect(await view.evaluate("marks")).not.toContain("Not running");
  expect(calls.find(({ name }) => name === "stop_saving_snapshot")?.args).toEqual({ snapshotId: SIMULATED.snapshotId });
});

test("a refused order shows why, and never the save of another call", async () => {
  const server = await serverOf(era, [], SLOW);
  await server.call("save_flex_snapshot", { name: SNAPSHOT.name, waitSeconds: 3 });
  const shown = await saveShown(server, { name: SNAPSHOT.name, groupId: "5fa1" }, { hasOwnClock: true });
  for (const _ of ["at first", "after a look", "after the next one"]) {
    await expect.poll(() => shown.text("mark")).toBe("Not saved");
    expect(await shown.buttons()).toEqual([]);
    await shown.pass(10_000);
  }
  expect(shown.calls.length).toBeGreaterThan(1);
});

test("a view whose call has not begun shows no file of an earlier save as its own", async () => {
  const server = await serverOf(era, [], { ...SLOW, ATLAS_FLEX_SIMULATOR_RATE: "1GiB" });
  expect(await server.call("save_flex_snapshot", { name: SNAPSHOT.name, waitSeconds: 40 })).toMatchObject({
    structuredContent: { state: "complete" },
  });
  const shown = await show(server.html, server.call);
  await shown.send("ToolInput", { arguments: { name: SNAPSHOT.name } });
  await expect.poll(() => shown.calls.length).toBeGreaterThan(0);
  expect(await shown.text("mark")).toBe("Looking for the backup");
  await shown.send("ToolCancelled", { reason: "the person" });
  await expect.poll(() => shown.text("mark")).toBe("Not running");
});

test("Give up asks once, and only the second press deletes the part", async () => {
  const server = await serverOf(era, [], SLOW);
  const { view, text, buttons, calls, told } = await saveShown(server, { ...SNAPSHOT, waitSeconds: 0 });
  const stops = () => calls.filter(({ name }) => name === "stop_saving_snapshot").map(({ args }) => args);
  await view.click("#give-up");
  expect(await buttons()).toEqual(["Stop and delete", "Cancel"]);
  await view.click("#keep");
  expect(await buttons()).toEqual(["Pause", "Give up"]);
  expect(stops()).toEqual([]);
  await view.click("#give-up");
  await view.click("#discard");
  await expect.poll(() => text("mark")).toBe("Given up");
  expect(stops()).toEqual([{ snapshotId: SNAPSHOT.snapshotId, discard: true }]);
  await expect.poll(() => told).toEqual([`${WHICH}: discarded, given up by the person.`]);
  expect(await server.call("list_saved_snapshots", {})).toMatchObject({ structuredContent: { transfers: [] } });
});

test("a view that is shown again long after its call looks, and starts and continues nothing", async () => {
  const first = await serverOf(era, [], SLOW);
  const old = await first.call("save_flex_snapshot", { ...SNAPSHOT, waitSeconds: 3 });
  await first.call("stop_saving_snapshot", { snapshotId: SNAPSHOT.snapshotId });
  for (const [env, title] of [
    [{ ATLAS_FLEX_DOWNLOAD_DIR: first.folder }, "Paused"],
    [{}, "Not running"],
  ] as const) {
    const later = await serverOf(era, [], { ...SLOW, ...env });
    const shown = await show(later.html, later.call, { hasOwnClock: true });
    await shown.send("ToolInput", { arguments: SNAPSHOT });
    await shown.send("ToolResult", old);
    await expect.poll(() => shown.text("mark")).toBe(title);
    const looks = shown.calls.length;
    await shown.page.clock.runFor(11_000);
    await expect.poll(() => shown.calls.length).toBeGreaterThan(looks);
    expect(new Set(shown.calls.map(({ name }) => name))).toEqual(new Set(["list_saved_snapshots"]));
  }
});

test("closing the view stops nothing", async () => {
  const server = await serverOf(era, [], SLOW);
  const { page, calls } = await saveShown(server, { ...SNAPSHOT, waitSeconds: 0 });
  await page.evaluate("bridge.teardownResource({})");
  const before = calls.length;
  await page.evaluate("view.remove()");
  expect(await server.call("save_flex_snapshot", { ...SNAPSHOT, waitSeconds: 40 })).toMatchObject({
    structuredContent: { state: "complete" },
  });
  expect(calls.length).toBe(before);
});

test("the page and its answers have the same name for what only the view reads", async () => {
  const server = await serverOf(era);
  const { _meta } = await server.call("list_saved_snapshots", {});
  expect(Object.keys(Object(_meta))).toEqual(expect.arrayContaining(Object.keys(listed([])._meta)));
});
