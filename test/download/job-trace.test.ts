import { describe, expect, test } from "vitest";
import { respond, serve } from "./fault-server.ts";
import { hashOf, KIB, namesIn, remoteFile, saveTo, sha256 } from "./fixtures.ts";
import { HOUR, JOB, staged } from "./link-source.ts";

describe("a job is left to the next process, which then needs no other,", () => {
  const damaged = async () => {
    const file = await remoteFile(60 * KIB);
    file.bytes.fill(0, 20 * KIB, 30 * KIB);
    return serve(file);
  };
  test.each([
    ["a page came in place of the file", "NOT_A_SNAPSHOT", async () => respond("200 OK", {}, "<html>log in</html>")],
    ["nothing came in place of the file", "NOT_A_SNAPSHOT", async () => respond("200 OK")],
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

  test("unless its link has expired", async () => {
    const { server, store, folder } = await staged((url) => ({ url, restoreJobId: JOB, expiresAt: Date.now() - 1 }));
    server.script(respond("200 OK", {}, "<html>log in</html>"));
    await expect(saveTo(store)).rejects.toMatchObject({ code: "NOT_A_SNAPSHOT" });
    expect(await namesIn(folder)).toEqual([]);
  });
});
