import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { ownFailure } from "../../src/core/errors.ts";
import { createLog } from "../../src/core/logger.ts";
import { BUILT, temporaryFolder } from "../fixtures.ts";

/** The built server, logging to `stderr`; `call` sends a request and resolves with the next line of the answer. */
async function serverLoggingTo(stderr: "pipe" | number, level = "info") {
  const home = await temporaryFolder();
  const args = [BUILT, "--simulate", "--log-level", level, "--download-dir", home];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", stderr], env: { HOME: home } });
  onTestFinished(() => void child.kill("SIGKILL"));
  if (!child.stdin || !child.stdout) throw new Error("The server has no pipes");
  const { stdin } = child;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async call(id: number): Promise<unknown> {
      const params = { name: "list_saved_snapshots", arguments: {} };
      stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params })}\n`);
      return JSON.parse((await lines.next()).value ?? "null");
    },
  };
}

test("a log on a full disk changes no answer and does not end the process", { tags: "linux" }, async () => {
  const { child, call } = await serverLoggingTo(openSync("/dev/full", "w"));
  for (let id = 0; id < 5; id += 1)
    expect(await call(id)).toMatchObject({ id, result: { structuredContent: { files: [] } } });
  child.stdin?.end();
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("a log that nobody reads holds up neither answers nor the end", async () => {
  const { child, call } = await serverLoggingTo("pipe", "trace");
  for (let id = 0; id < 1_500; id += 1)
    expect(await call(id)).toMatchObject({ id, result: { structuredContent: { files: [] } } });
  child.stdin?.end();
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("an error is logged with its causes, cut and without secrets; only a Failure has no stack", async () => {
  const stderr = new PassThrough();
  const log = createLog({ level: "info", scrub: (text) => text.replaceAll("secret", "[removed]"), stderr });
  const cause = new Error(`${"x".repeat(4_090)}secret${"x".repeat(4_000)}`);
  log.error({ error: ownFailure("CONNECTION_LOST", {}, { cause }) }, "failed");
  await log.written();
  const { error } = JSON.parse(String(stderr.read()));
  expect(error).toEqual([
    { name: "Failure", message: expect.stringMatching(/^CONNECTION_LOST: /), code: "CONNECTION_LOST" },
    { name: "Error", message: expect.stringMatching(/x\[remov…$/), stack: expect.stringMatching(/^Error: xxx/) },
  ]);
});
