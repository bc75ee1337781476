import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RemoteFile, serve } from "./fault-server.ts";
import { defaultName, gate, KIB, namesIn, remoteFile, stage, temporaryFolder } from "./fixtures.ts";
import { buildChild, killAndContinue, play, startChild, stepsOf, versionsOf } from "./process-fixtures.ts";

let file: RemoteFile;
let child: Awaited<ReturnType<typeof buildChild>>;

beforeAll(async () => {
  file = await remoteFile(4096 * KIB);
  child = await buildChild();
});
afterAll(() => child.remove());

describe("another process", () => {
  test.each([0.02, 0.5, 0.98])("that is killed after %d of the file loses no committed byte", async (share) => {
    await killAndContinue(file, share, await temporaryFolder(), child.program);
  });

  test("that is saving the snapshot is not disturbed by a save in this process", async () => {
    const { opened, open } = gate();
    const { server, folder, save } = await stage({}, async (request, socket) => {
      await opened;
      await serve(file)(request, socket);
    });
    const other = startChild(child.program, { folder, url: server.url });
    await expect.poll(() => server.requests.length).toBe(1);
    await expect(save()).rejects.toMatchObject({ code: "SAVED_ELSEWHERE" });
    open();
    expect(await other.result).toMatchObject({ first: { state: "complete" } });
    expect(await save()).toMatchObject({ state: "complete" });
    expect(server.requests).toHaveLength(1);
  });

  test("that reaches its file size limit keeps its bytes and says why", { tags: "shell" }, async () => {
    const { server, folder, save } = await stage({}, serve(file));
    const limit = "ulimit -f 2048";
    const other = startChild(child.program, { folder, url: server.url, limit });
    const result = await other.result;
    expect(result?.first).toMatchObject({ state: "paused", lastError: { errorCode: "DISK_FAILED", source: "disk" } });
    const part = await readFile(join(folder, `${defaultName}.part`));
    expect(part.length).toBeGreaterThan(0);
    expect(part.equals(file.bytes.subarray(0, part.length))).toBe(true);
    expect(await save()).toMatchObject({ state: "complete", resumedFromBytes: part.length });
  });

  test("that runs out of file descriptors loses nothing and continues when it has some again", {
    tags: "shell",
  }, async () => {
    const { server, folder, save } = await stage({}, serve(file, { after: 512 * KIB }), serve(file, { after: 0 }));
    expect(await save()).toMatchObject({ state: "paused", bytes: 512 * KIB });
    server.script(serve(file));
    const other = startChild(child.program, {
      folder,
      url: server.url,
      limit: "ulimit -n 200",
      mode: "no-descriptors",
    });
    const result = await other.result;
    expect(result?.first.state).not.toBe("complete");
    expect(result?.second).toMatchObject({ state: "complete", resumedFromBytes: 512 * KIB });
    expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
  });
});

test("the file is right or absent, whatever file host, user and process do (60 scripts)", async () => {
  const versions = await versionsOf();
  await fc.assert(
    fc.asyncProperty(stepsOf(2), (steps) => play(versions, steps)),
    { seed: 20261122, numRuns: 60 },
  );
}, 240_000);
