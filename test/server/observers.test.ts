import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Exchange } from "../../src/atlas/access.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { createLog } from "../../src/core/logger.ts";
import { createRedactor } from "../../src/core/redact.ts";
import { systemClock } from "../../src/core/time.ts";
import type { FileExchange } from "../../src/download/contract.ts";
import { createRuntime } from "../../src/server/runtime.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { respond, serve } from "../download/fault-server.ts";
import { KIB, patiently, remoteFile, stage } from "../download/fixtures.ts";
import { CLUSTER, simulatorFor, temporaryFolder } from "../fixtures.ts";

/** The runtime of a command that observes, on a simulator with these orders. */
async function observed(orders: string) {
  const simulator = await simulatorFor({ snapshotBytes: 100_000, orders });
  const env = { ...simulator.environment, ATLAS_FLEX_DOWNLOAD_DIR: join(await temporaryFolder(), "snapshots") };
  const config = parseConfig({ options: {}, env, toolNames: [] });
  const [exchanges, fileExchanges]: [Exchange[], FileExchange[]] = [[], []];
  const redactor = createRedactor(config.secrets);
  const runtime = await createRuntime(config, {
    clock: systemClock,
    redactor,
    version: "1.0.0",
    log: createLog({ level: "silent", scrub: redactor.scrub, stderr: new PassThrough() }),
    tools: [],
    onExchange: (exchange) => exchanges.push(exchange),
    onFileExchange: (exchange) => fileExchanges.push(exchange),
  });
  onTestFinished(runtime.close);
  const limits = { deadline: Date.now() + 20_000, signal: new AbortController().signal };
  return { ...runtime, exchanges, fileExchanges, limits };
}

describe("an observer of Atlas", () => {
  const job = { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId };

  test("gets each request as it is signed and each answer before anything is unwrapped or removed", async () => {
    const { atlas, exchanges, limits } = await observed("");
    await atlas.getRestoreJob(job, { envelope: true, pretty: false }, limits);
    expect(
      exchanges.map(({ request, response }) => [request.url.pathname.split("/").at(-1), response?.status]),
    ).toEqual([
      ["token", 200],
      [SIMULATED.restoreJobId, 200],
    ]);
    expect(exchanges[0]?.response?.json).toHaveProperty("access_token");
    expect(exchanges[1]?.request.headers).toHaveProperty("authorization");
    expect(exchanges[1]?.response?.json).toHaveProperty("content.snapshotUrl");
    const { headers, bodyBytes } = exchanges[1]?.response ?? {};
    expect(String(bodyBytes)).toBe(headers?.["content-length"]);
    expect(exchanges[1]?.ms).toBeGreaterThan(0);
  });

  test("gets each try, and the code where no answer came", async () => {
    const { atlas, exchanges, limits } = await observed(
      "getRestoreJob=503*1,getRestoreJob=reset-before*1,getRestoreJob=redirect*1",
    );
    await expect(atlas.getRestoreJob(job, { envelope: false, pretty: false }, limits)).rejects.toThrow();
    const tries = exchanges.slice(1).map(({ response, failure }) => [response?.status, failure?.code, failure?.status]);
    expect(tries).toEqual([
      [503, undefined, undefined],
      [undefined, "CONNECTION_LOST", undefined],
      [undefined, "REDIRECT_REFUSED", 302],
    ]);
  });
});

describe("an observer of file hosts", () => {
  test("of a runtime gets the answers, refusals with their code", async () => {
    const { store, fileExchanges } = await observed("file=expired");
    const report = await store.save({ ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId }, patiently());
    expect(report).toMatchObject({ state: "paused", lastError: { source: "file-host" } });
    expect(fileExchanges[0]).toMatchObject({
      redirects: 0,
      offset: 0,
      answer: { status: 403 },
      errorXmlCode: "RequestExpired",
      bytes: 0,
    });
  });

  test("gets redirects, broken connections and what came after them", async () => {
    const seen: FileExchange[] = [];
    const file = await remoteFile(200 * KIB);
    const length = file.bytes.length;
    const { server, save } = await stage(
      { onExchange: (exchange) => seen.push(exchange) },
      (_, socket) => respond("302 Found", { location: server.url })(_, socket),
      serve(file, { after: 100 * KIB }),
      serve(file),
    );
    expect(await save()).toMatchObject({ state: "complete" });
    expect(seen).toMatchObject([
      { redirects: 0, offset: 0, answer: { status: 302, headers: { location: server.url } }, bytes: 0 },
      { redirects: 1, offset: 0, answer: { status: 200 }, bytes: 100 * KIB, code: "UND_ERR_SOCKET" },
      { redirects: 0, offset: 100 * KIB, answer: { status: 206 }, bytes: length - 100 * KIB },
    ]);
    for (const { ms, answer } of seen) expect(ms).toBeGreaterThanOrEqual(answer?.ms ?? Number.POSITIVE_INFINITY);
    expect(seen.at(-1)).not.toHaveProperty("code");
  });

  test("gets a request without an answer", async () => {
    const seen: FileExchange[] = [];
    const { save } = await stage(
      { onExchange: (exchange) => seen.push(exchange) },
      (_, socket) => void socket.destroy(),
      serve(await remoteFile(20 * KIB)),
    );
    expect(await save()).toMatchObject({ state: "complete" });
    expect(seen).toMatchObject([{ bytes: 0, code: "UND_ERR_SOCKET" }, { answer: { status: 200 } }]);
    expect(seen[0]).not.toHaveProperty("answer");
  });
});
