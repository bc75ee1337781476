import { join } from "node:path";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { barRow, createDisplay } from "../../src/commands/save/display.ts";
import type { SaveOrder } from "../../src/commands/save/order.ts";
import { exitCodeOf, type Outcome, outcomeText } from "../../src/commands/save/outcome.ts";
import { type Patience, saveCluster } from "../../src/commands/save/save-cluster.ts";
import { ownFailure } from "../../src/core/errors.ts";
import { createRedactor } from "../../src/core/redact.ts";
import { systemClock } from "../../src/core/time.ts";
import type { SaveReport } from "../../src/download/contract.ts";
import { onlyCluster, readClusters } from "../../src/server/find-target.ts";
import { createRuntime } from "../../src/server/runtime.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { simulatorFor, temporaryFolder } from "../fixtures.ts";
import { parse } from "../parsed.ts";
import { at, startCommand } from "./command.ts";

const MIB = 1024 ** 2;
const ORDER: SaveOrder = { names: ["customers"], keepUnprotected: false, asJson: false };

/** Saves the cluster customers in this process, as the command does. */
async function saved(simulator: Simulator, home: string, patience: Patience) {
  const config = parse({ ...at(simulator), ATLAS_FLEX_DOWNLOAD_DIR: join(home, "snapshots") });
  const nothing = () => undefined;
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing, written: async () => undefined };
  const runtime = await createRuntime(config, {
    clock: systemClock,
    redactor: createRedactor([]),
    log,
    version: "0",
    tools: ["stop_saving_snapshot"],
  });
  onTestFinished(() => runtime.close());
  const { signal } = new AbortController();
  const shown: string[] = [];
  const display = {
    show: (label: string, { state }: SaveReport) => void shown.push(`${label} ${state}`),
    tell: (label: string, text: string) => void shown.push(`${label} ${text}`),
    remove: nothing,
    print: nothing,
    stderr: process.stderr,
  };
  const limits = { deadline: systemClock.now() + 20_000, signal };
  const found = onlyCluster("customers", await readClusters(undefined, { atlas: runtime.atlas }, limits));
  const tools = { ...runtime, clock: systemClock, display, patience, signal };
  return { outcome: await saveCluster(found, "customers", ORDER, tools), shown };
}

describe("the save of one cluster", () => {
  test("gives up after its patience while another process is saving the backup, with exit code 75", async () => {
    const simulator = await simulatorFor({ snapshotBytes: 8 * MIB, orders: "file=stall@1MiB" });
    const { child, home, stderr, ended } = await startCommand({ args: ["save", "customers"], env: at(simulator) });
    await expect.poll(stderr).toContain("downloading");
    const { outcome, shown } = await saved(simulator, home, { elsewhereMs: 3_000, silentMs: 60_000 });
    expect(outcome.failure?.errorCode).toBe("SAVED_ELSEWHERE");
    expect(exitCodeOf(outcome)).toBe(75);
    expect(shown).toContain("customers another process is saving this backup; waiting for it");
    expect(simulator.count("requestDownload")).toBe(1);
    child.kill("SIGKILL");
    await ended;
  });

  test("gives up when no byte arrives for its patience, keeps the part, and exits with 75", async () => {
    const simulator = await simulatorFor({ snapshotBytes: 8 * MIB, orders: "file=stall@1MiB" });
    const { outcome } = await saved(simulator, await temporaryFolder(), { elsewhereMs: 0, silentMs: 1_500 });
    expect(outcome.report).toMatchObject({ state: "paused", lastError: { errorCode: "TRANSFER_INTERRUPTED" } });
    expect(outcome.report?.bytes).toBeGreaterThan(0);
    expect(exitCodeOf(outcome)).toBe(75);
    expect(outcomeText(outcome, { inColour: false }, 0)).toMatch(
      /No byte arrived for [\s\S]* are kept; the same command/,
    );
  });

  test("gives up when Atlas offers no link for its patience", async () => {
    const simulator = await simulatorFor({ snapshotBytes: MIB, orders: "requestDownload=job-stays-pending" });
    const { outcome } = await saved(simulator, await temporaryFolder(), { elsewhereMs: 0, silentMs: 1_500 });
    expect(exitCodeOf(outcome)).toBe(75);
    expect(simulator.count("requestDownload")).toBe(1);
  });
});

const COMPLETE: SaveReport = {
  state: "complete",
  fileName: "orders.tgz",
  path: "/backups/orders.tgz",
  bytes: 67_108_864,
  sha256: "0".repeat(64),
  sound: true,
};
const outcome = (report: Partial<SaveReport>, rest: Partial<Outcome> = {}): Outcome => ({
  label: "orders",
  report: { ...COMPLETE, ...report },
  ...rest,
});

describe("the exit code", () => {
  const kept = { removed: [], inUse: [] };
  test.each([
    [0, "a sound file", outcome({})],
    [1, "an archive that is incomplete inside", outcome({ sound: false })],
    [1, "older files that could not be deleted", outcome({}, { kept: { ...kept, problem: "Nothing was deleted." } })],
    [75, "an older file in use", outcome({}, { kept: { ...kept, inUse: ["older.tgz"] } })],
    [
      75,
      "a transfer that paused and may go on",
      outcome({ state: "paused", lastError: ownFailure("TIMEOUT").envelope }),
    ],
    [1, "a full disk", outcome({ state: "paused", lastError: ownFailure("DISK_FULL").envelope })],
    [75, "another process", { label: "orders", failure: ownFailure("SAVED_ELSEWHERE").envelope }],
    [1, "wrong credentials", { label: "orders", failure: ownFailure("INVALID_CREDENTIALS").envelope }],
  ])("is %i for %s", (expected, _title, ended) => {
    expect(exitCodeOf(ended)).toBe(expected);
  });
});

describe("the result of a save", () => {
  test("does not say that an incomplete archive is verified", () => {
    const text = outcomeText(outcome({ sound: false }), { inColour: false }, 0);
    expect(text).toMatch(/^✗ orders: the backup is here, but do not use it\. .* do not restore from it\./);
    expect(text).not.toContain("verified");
  });

  test("is broken between words on a terminal, and has no escape sequence without colour", () => {
    const warnings = [`A warning ${"of many words ".repeat(12)}.`];
    const text = outcomeText(outcome({ warnings }), { inColour: false, columns: 40 }, 0);
    const lines = text.split("\n").filter((line) => !line.includes("0".repeat(64)));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
    expect(text).not.toContain("\u001b");
    expect(outcomeText(outcome({}), { inColour: true }, 0)).toMatch(/^\u001b\[32m✓\u001b\[0m orders/);
  });
});

describe("the line of a transfer on a terminal", () => {
  const running = (bytes: number, more: Partial<SaveReport> = {}): SaveReport => ({
    state: "downloading",
    fileName: "orders.tgz",
    bytes,
    totalBytes: 67_108_864,
    bytesPerSecond: 8_200_000,
    secondsLeft: 5,
    ...more,
  });

  test("has a bar of the same width from the first byte to the last", () => {
    const bars = [0, 1, 33_000_000, 67_108_863, 67_108_864].map((bytes) => barRow("orders", running(bytes), 80));
    expect(bars[2]).toBe("orders  ████████░░░░░░░░░   49%  33.0 of 67.1 MB    8.2 MB/s    5 seconds left");
    expect(new Set(bars.map((row) => row.replace(/[^█░]/g, "").length))).toEqual(new Set([17]));
    expect(bars[3]).toContain(" 99%");
    expect(bars[4]).toContain("100%");
  });

  test("says what it waits for where there is nothing to measure", () => {
    expect(barRow("orders", { state: "requesting", bytes: 0 }, 80)).toBe("orders  looking for the backup");
    expect(barRow("orders", { state: "queued", bytes: 0, waitsFor: ["shop"] }, 80)).toBe(
      "orders  waiting for the download of shop",
    );
  });

  test("never fills the terminal's width, whatever that is", () => {
    const report = fc.record({
      bytes: fc.nat(10 ** 12),
      totalBytes: fc.nat(10 ** 12),
      bytesPerSecond: fc.nat(10 ** 10),
      secondsLeft: fc.nat(10 ** 6),
    });
    fc.assert(
      fc.property(
        report,
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 10, max: 300 }),
        (some, width, columns) => {
          expect(barRow("x".repeat(width), running(0, some), columns).length).toBeLessThan(columns);
        },
      ),
    );
  });
});

describe("the display", () => {
  /** A stream that stands for standard error, as wide as a terminal of this many columns. */
  function terminal(columns: number) {
    const stream = Object.assign(new PassThrough(), { columns, rows: 24, isTTY: true });
    let text = "";
    stream.on("data", (chunk) => {
      text += String(chunk);
    });
    return { stream, text: () => text };
  }

  test("redraws a bar for each save in place, as wide as the terminal is at the moment", async () => {
    const { stream, text } = terminal(80);
    const display = createDisplay(stream, { inColour: true, columns: 80 }, Date.now);
    display.show("orders", { state: "downloading", bytes: 1, totalBytes: 2 });
    display.tell("a-much-longer-name", "looking for the backup");
    stream.columns = 60;
    stream.emit("resize");
    display.print(stream, "a result\n");
    display.remove("a-much-longer-name");
    display.remove("orders");
    const frames = stripVTControlCharacters(text()).split("\n").filter(Boolean);
    expect(frames[0]).toMatch(/^orders {2}█+░+ {3}50%/);
    expect(frames.some((line) => line.startsWith("orders              "))).toBe(true);
    expect(frames.filter((line) => line.includes("50%")).at(-1)).not.toContain("█");
    expect(frames).toContain("a result");
    expect(text()).not.toContain("\u001b[?25l");
  });

  test("writes plain lines elsewhere: one at each new state, and then one every ten seconds", () => {
    const { stream, text } = terminal(80);
    let now = Date.parse("2026-11-26T04:31:07");
    const display = createDisplay(stream, { inColour: false }, () => now);
    for (const bytes of [1, 2, 3]) display.show("orders", { state: "downloading", bytes, totalBytes: 4 });
    now += 10_000;
    display.show("orders", { state: "downloading", bytes: 4, totalBytes: 4 });
    display.show("orders", { state: "verifying", bytes: 4, totalBytes: 4 });
    expect(text().split("\n")).toEqual([
      "04:31:07 orders: downloading 25% of 4 bytes",
      "04:31:17 orders: downloading 100% of 4 bytes",
      "04:31:17 orders: verifying 100% of 4 bytes",
      "",
    ]);
  });
});
