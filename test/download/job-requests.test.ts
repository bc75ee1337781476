import { describe, expect, test } from "vitest";
import { ownFailure } from "../../src/core/errors.ts";
import type { KnownJobs, SnapshotLink, SnapshotSource } from "../../src/download/contract.ts";
import { serve } from "./fault-server.ts";
import {
  defaultName,
  facts,
  gate,
  identity,
  KIB,
  namesIn,
  openStore,
  patiently,
  readJsonFile,
  remoteFile,
  saveTo,
  stage,
} from "./fixtures.ts";

const JOB = "5fa1000000000000000000d1";
const OTHER_JOB = "5fa1000000000000000000d2";
const stateName = `${defaultName}.part.json`;

type Step = (known: KnownJobs, signal: AbortSignal) => Promise<SnapshotLink>;

/** A source that takes one of these steps per call and records what it was told. */
function sourceOfSteps(...steps: Step[]) {
  const told: Pick<KnownJobs, "restoreJobId" | "requestedAt">[] = [];
  const source: SnapshotSource = {
    describe: async () => facts,
    link: async (_, known, signal) => {
      const { onRequest, onJob, refused, ...jobs } = known;
      const step = steps[told.push(jobs) - 1];
      if (!step) throw ownFailure("LINK_NOT_READY");
      return step(known, signal);
    },
  };
  return { source, told };
}

async function staged(...steps: Step[]) {
  const { server, folder } = await stage({}, serve(await remoteFile(100 * KIB)));
  const { source, told } = sourceOfSteps(...steps);
  const open = () => openStore(folder, { source });
  return { server, folder, told, open, store: open(), link: { url: server.url, restoreJobId: JOB } };
}

/** A request for a job that is answered when the test calls `answer`. */
function slowRequest(link: () => SnapshotLink) {
  const { opened: answered, open: answer } = gate();
  let send = (_: AbortSignal) => {};
  const sent = new Promise<AbortSignal>((resolve) => {
    send = resolve;
  });
  const step: Step = async ({ onRequest, onJob }, signal) => {
    await onRequest();
    send(signal);
    await answered;
    await onJob(JOB);
    return link();
  };
  return { step, sent, answer };
}

describe("a request for a job", () => {
  test("outlives the call that was cancelled, and the next call joins it", async () => {
    const request = slowRequest(() => stageOf.link);
    const stageOf = await staged(request.step);
    const { store, told } = stageOf;
    const call = new AbortController();
    const cancelled = store.save(identity, patiently({ signal: call.signal }));
    const signal = await request.sent;
    call.abort(new Error("cancelled"));
    await expect(cancelled).rejects.toThrow("cancelled");
    const next = saveTo(store);
    request.answer();
    expect(await next).toMatchObject({ state: "complete" });
    expect(signal.aborted).toBe(false);
    expect(told).toHaveLength(1);
  });

  test("whose calls were all cancelled is finished, its job is kept, and then the save stops", async () => {
    const request = slowRequest(() => stageOf.link);
    const stageOf = await staged(request.step, async () => stageOf.link);
    const { store, folder, server, told, open } = stageOf;
    const call = new AbortController();
    const cancelled = store.save(identity, patiently({ signal: call.signal }));
    const signal = await request.sent;
    call.abort();
    await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
    request.answer();
    await expect.poll(() => signal.aborted).toBe(true);
    await store.close();
    expect(server.requests).toEqual([]);
    expect(await readJsonFile(folder, stateName)).toMatchObject({ restoreJobId: JOB });
    expect(await saveTo(open())).toMatchObject({ state: "complete" });
    expect(told[1]).toEqual({ restoreJobId: JOB, requestedAt: expect.any(Number) });
  });

  test("continues, and so does the transfer, if a later call left without cancelling", async () => {
    const request = slowRequest(() => stageOf.link);
    const stageOf = await staged(request.step);
    const { store, folder } = stageOf;
    const call = new AbortController();
    const cancelled = store.save(identity, patiently({ signal: call.signal }));
    await request.sent;
    call.abort();
    await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
    expect(await store.save(identity, patiently({ waitMs: 0 }))).toMatchObject({ state: "requesting" });
    request.answer();
    await expect.poll(() => namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
  });

  test("is written to disk before it is sent, so that a new process knows of it", async () => {
    const request = slowRequest(() => stageOf.link);
    const stageOf = await staged(request.step);
    const { store, folder, told, open } = stageOf;
    const waiting = saveTo(store);
    await request.sent;
    expect(await readJsonFile(folder, stateName)).toMatchObject({ requestedAt: expect.any(Number) });
    const closing = store.close();
    request.answer();
    await closing;
    await waiting;
    const state = await readJsonFile(folder, stateName);
    expect(state).toMatchObject({ requestedAt: expect.any(Number), restoreJobId: JOB });
    await saveTo(open());
    expect(told[1]).toEqual({ restoreJobId: JOB, requestedAt: state.requestedAt });
  });

  test("that created no job leaves the earlier job known", async () => {
    const { store, told } = await staged(
      async ({ onRequest, onJob }) => {
        await onRequest();
        await onJob(JOB);
        throw ownFailure("LINK_NOT_READY");
      },
      async ({ onRequest, onJob }) => {
        await onRequest();
        await onJob(undefined);
        throw ownFailure("CONNECTION_FAILED");
      },
    );
    for (let calls = 0; calls < 3; calls += 1) await saveTo(store);
    expect(told[2]).toEqual(told[1]);
    expect(told[1]).toMatchObject({ restoreJobId: JOB });
  });

  test("that created no job, without an earlier one, leaves no file", async () => {
    const { store, folder } = await staged(async ({ onRequest, onJob }) => {
      await onRequest();
      await onJob(undefined);
      throw ownFailure("CONNECTION_FAILED");
    });
    await expect(saveTo(store)).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
    expect(await namesIn(folder)).toEqual([]);
  });
});

describe("after a failure with nothing saved the next process still knows", () => {
  test("a request whose outcome is unknown, for as long as it is unknown", async () => {
    const { store, told, open } = await staged(
      async ({ onRequest }) => {
        await onRequest();
        throw ownFailure("OUTCOME_UNKNOWN");
      },
      async () => Promise.reject(ownFailure("CONNECTION_FAILED")),
    );
    await expect(saveTo(store)).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
    await expect(saveTo(open())).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
    await expect(saveTo(open())).rejects.toMatchObject({ code: "LINK_NOT_READY" });
    expect(told).toEqual([{}, { requestedAt: expect.any(Number) }, { requestedAt: told[1]?.requestedAt }]);
  });

  test("a job that ended without a link", async () => {
    const { store, told, open } = await staged(async ({ onRequest, onJob }) => {
      await onRequest();
      await onJob(JOB);
      throw ownFailure("JOB_WITHOUT_LINK");
    });
    await expect(saveTo(store)).rejects.toMatchObject({ code: "JOB_WITHOUT_LINK" });
    await saveTo(open());
    expect(told[1]).toEqual({ restoreJobId: JOB, requestedAt: expect.any(Number) });
  });
});

test("a job that somebody else requested is known without the time of its request", async () => {
  const file = await remoteFile(100 * KIB);
  const { server, store, told, open, link } = await staged(
    async ({ onRequest, onJob }) => {
      await onRequest();
      await onJob(JOB);
      throw ownFailure("LINK_NOT_READY");
    },
    async () => ({ ...link, restoreJobId: OTHER_JOB }),
    async () => link,
  );
  server.script(serve(file, { after: 50 * KIB }), serve(file, { after: 0 }));
  await saveTo(store);
  expect(await saveTo(store)).toMatchObject({ state: "paused" });
  await store.close();
  server.script(serve(file));
  expect(await saveTo(open())).toMatchObject({ state: "complete" });
  expect(told[2]).toEqual({ restoreJobId: OTHER_JOB });
});
