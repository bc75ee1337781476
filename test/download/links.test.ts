import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ownFailure } from "../../src/core/errors.ts";
import type { SnapshotLink, SnapshotSource } from "../../src/download/contract.ts";
import { respond, serve } from "./fault-server.ts";
import {
  clock,
  defaultName,
  facts,
  hashOf,
  identity,
  KIB,
  namesIn,
  openStore,
  patiently,
  remoteFile,
  saveTo,
  sha256,
  stage,
} from "./fixtures.ts";

const JOB = "5fa1000000000000000000d1";
const OTHER_JOB = "5fa1000000000000000000d2";
const HOUR = 3_600_000;

interface Asked {
  restoreJobId?: string;
  refused: string[];
}

/** Returns the given links one after the other and records what it was asked. */
function linksOf(...links: SnapshotLink[]): SnapshotSource & { asked: Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    describe: async () => facts,
    link: async (_identity, { refused, onRequest, onJob, ...known }) => {
      await onJob(JOB);
      const link = links[Math.min(asked.length, links.length - 1)];
      asked.push({ ...known, refused: [...refused] });
      if (!link) throw ownFailure("LINK_NOT_READY");
      return link;
    },
  };
}

/** A stage whose source returns these links to the server, one after the other. */
async function staged(...links: ((url: string) => SnapshotLink)[]) {
  const stageOf = await stage({}, respond("404 X"));
  const source = linksOf(...links.map((link, index) => link(`${stageOf.server.url}&n=${index}`)));
  const open = () => openStore(stageOf.folder, { source });
  return { ...stageOf, source, open, store: open() };
}

describe("a link", () => {
  test("is remembered between calls and found again through its job after a restart, but never written to disk", async () => {
    const file = await remoteFile(300 * KIB);
    const { server, source, store, open, folder } = await staged((url) => ({ url, restoreJobId: JOB }));
    server.script(serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
    await saveTo(store);
    await saveTo(store);
    expect(source.asked).toEqual([{ refused: [] }]);
    const state = await readFile(join(folder, `${defaultName}.part.json`), "utf8");
    expect(state).toContain(JOB);
    expect(state).not.toContain("http");
    await store.close();
    server.script(serve(file));
    expect(await saveTo(open())).toMatchObject({ state: "complete" });
    expect(source.asked[1]).toEqual({ restoreJobId: JOB, refused: [] });
  });

  test("that the host refused is reported to the source, with its job", async () => {
    const file = await remoteFile(40 * KIB);
    const { server, source, store } = await staged(
      (url) => ({ url, restoreJobId: JOB }),
      (url) => ({ url }),
    );
    server.script(respond("403 Forbidden"), serve(file));
    expect(await saveTo(store)).toMatchObject({ state: "complete" });
    expect(source.asked[1]).toEqual({ refused: [expect.stringContaining("&n=0"), JOB] });
  });

  test("that the host refused is not tried again when the source returns it again", async () => {
    const { server, store } = await staged((url) => ({ url }));
    server.script(respond("403 Forbidden"));
    expect(await saveTo(store)).toMatchObject({ state: "paused", lastError: { errorCode: "LINK_EXPIRED" } });
    expect(server.requests).toHaveLength(1);
  });

  test("may be replaced repeatedly in a long transfer, as long as each link brings progress", async () => {
    const file = await remoteFile(500 * KIB);
    const links = Array.from(
      { length: 5 },
      () =>
        (url: string): SnapshotLink => ({ url, isNew: true }),
    );
    const { server, source, store, folder } = await staged(...links);
    const piece = serve(file, { after: 100 * KIB });
    const refuse = respond("403 Forbidden");
    server.script(piece, refuse, piece, refuse, piece, refuse, serve(file));
    expect(await saveTo(store)).toMatchObject({ state: "complete" });
    expect(source.asked).toHaveLength(4);
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
  });

  test("that is refused at its first use is not replaced but tried again by every later call, also after a restart", async () => {
    const file = await remoteFile(40 * KIB);
    const kept = (url: string) => ({
      url: url.replace(/n=\d/, "n=0"),
      restoreJobId: JOB,
      expiresAt: Date.now() + HOUR,
    });
    const { server, source, store, open } = await staged((url) => ({ ...kept(url), isNew: true }), kept);
    server.script(respond("403 Forbidden"));
    const refused = { state: "paused", lastError: { errorCode: "LINK_REFUSED" } };
    for (let calls = 1; calls <= 3; calls += 1) {
      expect(await saveTo(store)).toMatchObject(refused);
      expect(server.requests).toHaveLength(calls);
    }
    expect(source.asked).toHaveLength(1);
    await store.close();
    const next = open();
    expect(await saveTo(next)).toMatchObject(refused);
    expect(source.asked).toHaveLength(2);
    server.script(serve(file));
    expect(await saveTo(next)).toMatchObject({ state: "complete" });
    expect(source.asked).toHaveLength(2);
  });

  test("from an earlier run is replaced when it is refused; its new replacement is not", async () => {
    const { server, source, store } = await staged(
      (url) => ({ url, restoreJobId: JOB, expiresAt: Date.now() + HOUR }),
      (url) => ({ url, restoreJobId: OTHER_JOB, expiresAt: Date.now() + HOUR, isNew: true }),
    );
    server.script(respond("403 Forbidden"));
    await saveTo(store);
    expect(await saveTo(store)).toMatchObject({ state: "paused", lastError: { errorCode: "LINK_REFUSED" } });
    expect(server.requests.map(({ path }) => path.at(-1))).toEqual(["0", "1", "1"]);
    expect(source.asked).toHaveLength(2);
  });

  test("that was refused at its first use is replaced once it has expired", async () => {
    const file = await remoteFile(40 * KIB);
    let laterMs = 0;
    const later = { ...clock, now: () => Date.now() + laterMs };
    const { server, source, folder } = await staged(
      (url) => ({ url, restoreJobId: JOB, expiresAt: Date.now() + HOUR, isNew: true }),
      (url) => ({ url, restoreJobId: OTHER_JOB, expiresAt: Date.now() + 3 * HOUR, isNew: true }),
    );
    const store = openStore(folder, { source, clock: later });
    server.script(respond("403 Forbidden"), respond("403 Forbidden"), serve(file));
    expect(await saveTo(store)).toMatchObject({ state: "paused" });
    laterMs = 2 * HOUR;
    expect(await saveTo(store)).toMatchObject({ state: "complete" });
    expect(source.asked).toHaveLength(2);
  });

  test.each([
    ["AccessDenied", "LINK_REFUSED", "IP access list", "IP access list"],
    ["RequestTimeTooSkewed", "LINK_REFUSED", "The time in the link", "clock of the file host"],
    ["SignatureDoesNotMatch", "LINK_REFUSED", "changes requests", "proxy or gateway"],
    ["ExpiredToken", "LINK_REFUSED", "the link has expired", "four hours"],
    ["NoSuchKey", "LINK_REFUSED", "no file under the link", "another snapshot"],
    ["SENTINELCODE", "LINK_REFUSED", "IP access list", "IP access list"],
  ])("that is fresh and refused with %s is %s, and the advice fits", async (code, errorCode, detail, hint) => {
    const { server, source, store } = await staged((url) => ({ url, restoreJobId: JOB, isNew: true }));
    server.script(respond("403 Forbidden", {}, `<?xml version="1.0"?>\n<Error><Code>${code}</Code></Error>`));
    const report = await saveTo(store);
    expect(report).toMatchObject({
      state: "paused",
      lastError: {
        errorCode,
        error: 403,
        detail: expect.stringContaining(detail),
        hint: expect.stringContaining(hint),
      },
    });
    expect(report.lastError?.hint).toMatch(/\bcall again\b/i);
    expect(JSON.stringify(report)).not.toContain("SENTINEL");
    expect(source.asked).toHaveLength(1);
  });

  test.each([
    "<Error><Code>InvalidArgument</Code></Error>",
    "<Error><Code>KMS.DisabledException</Code></Error>",
    "<html><h1>Bad Request</h1></html>",
    "",
  ])("that is fresh and refused with 400 and %j is not said to come from a wrong address", async (document) => {
    const { server, store } = await staged((url) => ({ url, restoreJobId: JOB, isNew: true }));
    server.script(respond("400 Bad Request", {}, document));
    const { lastError } = await saveTo(store);
    expect(lastError).toMatchObject({ errorCode: "LINK_REFUSED", hint: expect.stringContaining("call again") });
    expect(JSON.stringify(lastError)).not.toContain("access list");
  });

  test("that the host calls expired is said to be so, without a code that the host did not send", async () => {
    const { server, store } = await staged((url) => ({ url, restoreJobId: JOB, isNew: true }));
    server.script(respond("403 Forbidden", {}, "<Error><Code>AccessDenied</Code><Message>Request has expired"));
    const { lastError } = await saveTo(store);
    expect(lastError?.detail).toBe(
      "The file host refuses a fresh link: it answered 403. It says that the link has expired.",
    );
  });

  test("is refused even if an endless document follows the status", async () => {
    const { server, store } = await staged((url) => ({ url, restoreJobId: JOB, isNew: true }));
    const document = `<Error><Code>SignatureDoesNotMatch</Code>${"x".repeat(1_000_000)}`;
    server.script(
      serve({ bytes: Buffer.from(document) }, { status: "403 Forbidden", ignoreRange: true, end: "stall" }),
    );
    expect(await saveTo(store)).toMatchObject({ lastError: { detail: expect.stringContaining("changes requests") } });
    expect(server.connections()).toBe(0);
  });

  test("that is no longer fresh is LINK_EXPIRED when no new one is offered, and the advice is to call again", async () => {
    const { server, store } = await staged(
      (url) => ({ url, restoreJobId: JOB, expiresAt: Date.now() - HOUR }),
      (url) => ({ url, restoreJobId: OTHER_JOB, expiresAt: Date.now() - 1 }),
    );
    server.script(respond("403 Forbidden", {}, "<Error><Code>AccessDenied</Code><Message>Request has expired"));
    const lastError = { errorCode: "LINK_EXPIRED", hint: expect.stringMatching(/^Call again/) };
    expect(await saveTo(store)).toMatchObject({ state: "paused", lastError });
    expect(server.requests).toHaveLength(2);
  });

  test.each([5 * HOUR, 24 * HOUR, -24 * HOUR])("that works is kept when the clock jumps by %d ms", async (jumpMs) => {
    const file = await remoteFile(300 * KIB);
    let jumped = 0;
    const { server, source, folder } = await staged(
      (url) => ({ url, restoreJobId: JOB, expiresAt: Date.now() + 4 * HOUR, isNew: true }),
      (url) => ({ url, restoreJobId: OTHER_JOB, isNew: true }),
    );
    server.script(async (request, socket) => {
      await serve(file, { after: 100 * KIB })(request, socket);
      jumped = jumpMs;
    }, serve(file));
    const jumping = { ...clock, now: () => Date.now() + jumped };
    expect(await saveTo(openStore(folder, { source, clock: jumping }))).toMatchObject({ state: "complete" });
    expect(source.asked).toHaveLength(1);
  });

  test("that has really expired is replaced when the file host refuses it", async () => {
    const file = await remoteFile(300 * KIB);
    const { server, source, store } = await staged(
      (url) => ({ url, restoreJobId: JOB, expiresAt: Date.now() - 1_000 }),
      (url) => ({ url, restoreJobId: OTHER_JOB, expiresAt: Date.now() + HOUR }),
    );
    server.script(serve(file, { after: 100 * KIB }), respond("403 Forbidden"), serve(file));
    expect(await saveTo(store)).toMatchObject({ state: "complete" });
    expect(source.asked).toHaveLength(2);
    expect(server.requests.map(({ path }) => path.at(-1))).toEqual(["0", "0", "1"]);
  });

  test("that looks expired only because the clock is wrong is tried anyway", async () => {
    const file = await remoteFile(300 * KIB);
    const { server, source, folder } = await staged((url) => ({ url, expiresAt: Date.now() + HOUR }));
    server.script(respond("503 Busy"), respond("503 Busy"), serve(file));
    const ahead = { ...clock, now: () => Date.now() + 24 * HOUR };
    expect(await saveTo(openStore(folder, { source, clock: ahead }))).toMatchObject({ state: "complete" });
    expect(source.asked).toHaveLength(1);
  });

  test("that will expire before the transfer ends causes a warning", async () => {
    const file = await remoteFile(600 * KIB);
    const { server, store } = await staged((url) => ({ url, expiresAt: Date.now() + 500 }));
    server.script(serve(file, { trickle: { bytes: 8 * KIB, ms: 20 } }));
    const warning = expect.stringContaining("the link expires before the transfer ends");
    const report = () => store.save(identity, patiently({ waitMs: 20 }));
    await expect
      .poll(report, { timeout: 5_000 })
      .toMatchObject({ state: "downloading", warnings: [warning], secondsLeft: expect.any(Number) });
  });
});

test("a clock that jumps back and forth by a day changes nothing", async () => {
  const file = await remoteFile(500 * KIB);
  const { server, source, folder } = await staged((url) => ({ url, expiresAt: Date.now() + HOUR }));
  server.script(serve(file, { after: 200 * KIB }), serve(file, { trickle: { bytes: 32 * KIB, ms: 5 } }));
  let jumps = 0;
  const jumping = { ...clock, now: () => Date.now() + ((jumps++ % 3) - 1) * 24 * HOUR };
  expect(await saveTo(openStore(folder, { source, clock: jumping }))).toMatchObject({ state: "complete" });
  expect(source.asked).toHaveLength(1);
  expect(await hashOf(folder)).toBe(sha256(file.bytes));
});

describe("the next process continues with the same job", () => {
  const damaged = async () => {
    const file = await remoteFile(60 * KIB);
    file.bytes.fill(0, 20 * KIB, 30 * KIB);
    return serve(file);
  };
  test.each([
    [
      "the host sent a page instead of the file",
      "NOT_A_SNAPSHOT",
      async () => respond("200 OK", {}, "<html>log in</html>"),
    ],
    ["the host sent nothing", "NOT_A_SNAPSHOT", async () => respond("200 OK")],
    ["the file was damaged twice", "FILE_DAMAGED", damaged],
  ])("when %s", async (_what, code, behaviour) => {
    const { server, source, store, open, folder } = await staged((url) => ({
      url,
      restoreJobId: JOB,
      expiresAt: Date.now() + HOUR,
    }));
    server.script(await behaviour());
    await expect(saveTo(store)).rejects.toMatchObject({ code });
    await store.close();
    const file = await remoteFile(60 * KIB);
    server.script(serve(file));
    expect(await saveTo(open())).toMatchObject({ state: "complete" });
    expect(source.asked).toEqual([{ refused: [] }, { restoreJobId: JOB, refused: [] }]);
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
  });

  test("unless the link of the job has expired", async () => {
    const { server, store, folder } = await staged((url) => ({ url, restoreJobId: JOB, expiresAt: Date.now() - 1 }));
    server.script(respond("200 OK", {}, "<html>log in</html>"));
    await expect(saveTo(store)).rejects.toMatchObject({ code: "NOT_A_SNAPSHOT" });
    expect(await namesIn(folder)).toEqual([]);
  });
});

describe("a source that fails", () => {
  test("after requesting a job leaves that job to the next call", async () => {
    const { store, open, source } = await staged();
    const lastError = expect.objectContaining({ errorCode: "LINK_NOT_READY" });
    expect(await saveTo(store)).toMatchObject({ state: "paused", bytes: 0, lastError });
    await store.close();
    await saveTo(open());
    expect(source.asked).toEqual([{ refused: [] }, { restoreJobId: JOB, refused: [] }]);
  });

  test("before requesting a job is reported unchanged and leaves no file", async () => {
    const link = async () => Promise.reject(ownFailure("LINK_NOT_READY"));
    const { store, folder } = await stage({ source: { ...linksOf(), link } });
    await expect(saveTo(store)).rejects.toMatchObject({ code: "LINK_NOT_READY" });
    expect(await namesIn(folder)).toEqual([]);
  });

  test("to describe the snapshot fails the save", async () => {
    const describe = async () => Promise.reject(ownFailure("SNAPSHOT_NOT_COMPLETE"));
    const { store } = await stage({ source: { ...linksOf(), describe } });
    await expect(saveTo(store)).rejects.toMatchObject({ code: "SNAPSHOT_NOT_COMPLETE" });
  });
});
