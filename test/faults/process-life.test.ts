import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER } from "../fixtures.ts";
import { needs } from "../platform.ts";
import { openStation, type Station, type StdioServer } from "./station.ts";

const SNAPSHOT = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };
const JOB = { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId };

const ENDS: { end: string; run: ({ child }: StdioServer) => void }[] = [
  ...(["SIGTERM", "SIGINT", "SIGHUP"] as const).map((signal) => ({
    end: signal,
    run: ({ child }: StdioServer) => void child.kill(signal),
  })),
  { end: "the end of its input", run: ({ child }) => void child.stdin.end() },
  { end: "an output that nobody reads", run: ({ child }) => void child.stdout.destroy() },
];

async function stationOf(...[options]: Parameters<typeof openStation>): Promise<Station> {
  const station = await openStation(options);
  onTestFinished(async () => {
    station.server.child.kill("SIGKILL");
    await station.close();
  });
  return station;
}

/** Ignores how a call ends, so that a failing test leaves no unhandled rejection. */
const forget = (call: Promise<unknown>) => void call.catch(() => undefined);

const until = (condition: () => unknown, timeout = 10_000) =>
  vi.waitFor(async () => expect(await condition()).toBeTruthy(), { timeout, interval: 20 });

/** The process ends by itself, in time and with code 0. */
async function expectCleanEnd({ server }: Station): Promise<void> {
  expect(await server.ended).toEqual({ code: 0, signal: null });
  expect(server.output.stderr).not.toMatch(/end-timed-out|end-failed|uncaught|unhandled/);
  expect(server.violations).toEqual([]);
  expect(() => process.kill(server.child.pid ?? Number.NaN, 0)).toThrow("ESRCH");
}

describe.each(ENDS)("$end", ({ end, run }) => {
  if (end.startsWith("SIG")) beforeEach(() => needs("signals"));

  test("in the middle of a call ends the process cleanly and revokes its token", async () => {
    // The job never ends, so the call keeps polling and reporting.
    const station = await stationOf({ simulator: { orders: "getRestoreJob=unknown-status+nulls" } });
    const { server, simulator } = station;
    forget(server.call("get_restore_job", { ...JOB, waitSeconds: 40 }, { progress: true }));
    await until(() => server.output.stdout.includes("notifications/progress"));
    simulator.order("listSnapshots=hang");
    forget(server.call("list_flex_snapshots", CLUSTER));
    await until(() => simulator.count("listSnapshots"));
    run(server);
    await expectCleanEnd(station);
    expect(simulator.count("token")).toBe(1);
    expect(simulator.count("revoke")).toBe(1);
  });

  test("in the middle of a transfer keeps the part, and the next process continues it to the same file", async () => {
    // Slow enough to be running still when the server notices a closed output, which takes two lines of progress.
    const simulator = { snapshotBytes: 8_000_000, fileRateBytesPerSecond: 600_000 };
    const station = await stationOf({ simulator });
    const { server } = station;
    const folder = join(station.folder, "snapshots");
    const partBytes = async () => {
      const names = await readdir(folder).catch(() => []);
      const part = names.find((name) => name.endsWith(".part"));
      return part === undefined ? 0 : (await stat(join(folder, part))).size;
    };
    forget(server.call("save_flex_snapshot", SNAPSHOT, { progress: true }));
    await until(async () => (await partBytes()) > 0);
    run(server);
    await expectCleanEnd(station);
    expect(station.simulator.count("revoke")).toBe(1);
    const left = await readdir(folder);
    expect(left.map((name) => name.replace(/^.*\.tgz/, "")).sort()).toEqual([".part", ".part.json"]);

    station.simulator.setFileRate(0);
    const next = await station.again();
    const { structuredContent } = await next.call("save_flex_snapshot", SNAPSHOT);
    expect(structuredContent).toMatchObject({
      state: "complete",
      nextStep: expect.stringMatching(/; it went on from the \d+\.\d [kM]B of an earlier attempt\./),
    });
    const asked = station.simulator.requests.find(({ operation }) => operation === "file");
    const whole = await fetch(new URL(asked?.path ?? "", station.simulator.fileBaseUrl));
    const hash = createHash("sha256")
      .update(Buffer.from(await whole.arrayBuffer()))
      .digest("hex");
    expect(structuredContent.sha256).toBe(hash);
    expect(
      createHash("sha256")
        .update(await readFile(String(structuredContent.path)))
        .digest("hex"),
    ).toBe(hash);
    expect(station.simulator.jobs).toEqual([]);
  });
});

describe("a process that ends cleanly in spite of Atlas", () => {
  test("does not wait for the answer to a revocation", async () => {
    const station = await stationOf({ simulator: { orders: "revoke=hang" } });
    await station.server.call("list_flex_snapshots", CLUSTER);
    station.server.child.stdin.end();
    await expectCleanEnd(station);
    expect(station.simulator.count("revoke")).toBe(1);
  });

  test.each(["reset-before", "500", "html", "redirect", "echo-secret"])(
    "ignores a failed revocation (%s)",
    async (fault) => {
      const station = await stationOf({ simulator: { orders: `revoke=${fault}` } });
      await station.server.call("list_flex_snapshots", CLUSTER);
      station.server.child.stdin.end();
      await expectCleanEnd(station);
    },
  );

  test("does not wait for a token", { tags: "signals" }, async () => {
    const station = await stationOf({ simulator: { orders: "token=hang" } });
    forget(station.server.call("list_flex_snapshots", CLUSTER));
    await until(() => station.simulator.count("token"));
    station.server.child.kill("SIGINT");
    await expectCleanEnd(station);
    expect(station.simulator.count("revoke")).toBe(0);
  });

  test("revokes a token that arrives while it ends", { tags: "signals" }, async () => {
    const station = await stationOf({ simulator: { orders: "token=slow-headers@700" } });
    forget(station.server.call("list_flex_snapshots", CLUSTER));
    await until(() => station.simulator.count("token"));
    station.server.child.kill("SIGTERM");
    await expectCleanEnd(station);
    expect(station.simulator.count("revoke")).toBe(1);
  });

  test("has sent nothing when no tool was called", async () => {
    const station = await stationOf();
    station.server.child.stdin.end();
    await expectCleanEnd(station);
    expect(station.simulator.requests).toEqual([]);
  });
});

test("a download request that is running when the process ends is sent once and creates its job", {
  tags: "signals",
}, async () => {
  const station = await stationOf({ simulator: { orders: "requestDownload=hang-after" } });
  forget(station.server.call("request_flex_snapshot_download", SNAPSHOT));
  await until(() => station.simulator.count("requestDownload"));
  station.server.child.kill("SIGTERM");
  await expectCleanEnd(station);
  expect(station.simulator.count("requestDownload")).toBe(1);
  expect(station.simulator.jobs).toHaveLength(1);
});

const BIG = "x".repeat(1_000_000);
const JOB_CALL = { name: "get_restore_job", arguments: { ...JOB, waitSeconds: 20 } };
const VERSION = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

test.each<[part: string, message: (id: number) => object]>([
  ["id", (id) => ({ id: `${id}${BIG}`, method: "tools/call", params: JOB_CALL })],
  [
    "progress token",
    (id) => ({ id, method: "tools/call", params: { ...JOB_CALL, _meta: { progressToken: BIG + id } } }),
  ],
  ["unknown parameter", (id) => ({ id, method: "tools/call", params: { ...JOB_CALL, other: BIG + id } })],
  ["key in _meta", (id) => ({ id, method: "tools/call", params: { ...JOB_CALL, _meta: { [BIG + id]: 1 } } })],
  [
    "name of the client",
    (id) => ({
      id,
      method: "tools/call",
      params: {
        ...JOB_CALL,
        _meta: { ...VERSION, "io.modelcontextprotocol/clientInfo": { name: BIG + id, version: "1" } },
      },
    }),
  ],
])(
  "300 requests at once with 1 MB in the %s cost little memory, even while they wait for Atlas",
  async (_, message) => {
    // Half of what the 300 texts take.
    const { server } = await stationOf({
      env: { NODE_OPTIONS: "--max-old-space-size=150" },
      simulator: { orders: "api=hang" },
    });
    for (let id = 1_000; id < 1_300; id += 1)
      server.child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message(id) })}\n`);
    // A busy computer takes long to pass 300 MB on.
    await until(() => server.child.stdin.writableLength === 0, 90_000);
    expect((await server.call("list_saved_snapshots", {})).structuredContent).toHaveProperty("files");
  },
  120_000,
);

test("a client that sends many requests and reads nothing costs little memory and can leave normally", {
  tags: "paused-pipes",
}, async () => {
  // Piled-up answers would take three times as much.
  const station = await stationOf({ env: { NODE_OPTIONS: "--max-old-space-size=96" } });
  const { child } = station.server;
  child.stdout.pause();
  for (let id = 0; id < 15_000; id += 1)
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: `flood ${id}`, method: "tools/list" })}\n`);
  await until(() => child.stdin.writableLength === 0);
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  child.stdin.end();
  expect(await ended).toEqual({ code: 0, signal: null });
});
