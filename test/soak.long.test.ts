import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SIMULATED } from "../src/simulator/simulated.ts";
import { CLUSTER, SERVICE_ACCOUNT, type Session, serverAgainst, simulatorFor } from "./fixtures.ts";

const MARKS = [1_000, 10_000, 100_000];
/** Calls in flight at a time. */
const CONCURRENT = 20;
const JOB = { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId };

/** Memory and open files of a process, as Linux counts them (proc(5)). */
function usageOf(pid: number) {
  const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  return { megabytes: Math.round(kilobytes / 1024), openFiles: readdirSync(`/proc/${pid}/fd`).length };
}

/** Mostly reads; one in twenty each fails in Atlas, has bad input, lists the disk, is a cancelled wait, or saves a saved snapshot. */
async function callNumber(number: number, { client, call }: Session): Promise<void> {
  switch (number % 20) {
    case 0:
      await call("get_restore_job", { ...JOB, restoreJobId: "5fa1000000000000000000ff" });
      return;
    case 5:
      await call("list_flex_snapshots", { ...CLUSTER, name: "a/b" });
      return;
    case 10:
      await call("list_saved_snapshots");
      return;
    case 15: {
      const cancel = new AbortController();
      const args = { ...JOB, waitSeconds: 1 };
      const waiting = client.callTool({ name: "get_restore_job", arguments: args }, undefined, {
        signal: cancel.signal,
      });
      cancel.abort();
      await waiting.catch(() => undefined);
      return;
    }
    case 19:
      await call("save_flex_snapshot", { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId });
      return;
    default:
      await call("get_restore_job", JOB);
  }
}

test("memory and open files do not grow over a hundred thousand calls", { tags: "linux" }, async () => {
  const simulator = await simulatorFor({
    snapshotBytes: 100_000,
    rateLimit: { capacity: 1e9, refillPerMinute: 1e9 },
  });
  const session = await serverAgainst(simulator, { env: { ...SERVICE_ACCOUNT, ATLAS_FLEX_LOG_LEVEL: "error" } });
  const usages: Record<number, ReturnType<typeof usageOf>> = {};
  let number = 0;
  for (const mark of MARKS) {
    const worker = async () => {
      while (number < mark) await callNumber(++number, session);
    };
    await Promise.all(Array.from({ length: CONCURRENT }, worker));
    usages[mark] = usageOf(session.pid);
  }
  console.table(usages);
  const [, early, late] = MARKS.map((mark) => usages[mark]);
  expect(late?.openFiles).toBeLessThanOrEqual((early?.openFiles ?? 0) + 2);
  expect(late?.megabytes).toBeLessThanOrEqual((early?.megabytes ?? 0) + 30);
});
