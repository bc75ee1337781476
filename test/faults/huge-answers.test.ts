import { expect, onTestFinished, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER, temporaryFolder } from "../fixtures.ts";
import { serve } from "../http/servers.ts";
import { startStdioServer } from "./station.ts";

/** Just below the largest accepted answer. */
const BYTES = 8 * 1024 * 1024 - 1024;
const filled = (before: string, entry: string, after: string, separator = ",") =>
  before + Array(Math.floor(BYTES / (entry.length + 1))).join(entry + separator) + entry + after;
/** One entry less than a full page; after a full page the server would ask for the next. */
const ofTexts = (text: string) => JSON.stringify({ results: Array(499).fill(text.repeat(16_384 / text.length)) });

/** Each shape is the most expensive one for another part of the reader. */
const SHAPES: Record<string, { status: number; body: string }> = {
  "wrong fields of an error": { status: 400, body: filled('{"badRequestDetail":{"fields":[1,', "1", "]}}") },
  "parameters of an error": { status: 400, body: filled('{"parameters":[1,', "{}", "]}") },
  "one long detail": { status: 400, body: filled('{"detail":"', "a-", '"}', "") },
  "wrong links of a job": { status: 200, body: filled(`{"id":"${SIMULATED.restoreJobId}","links":[1,`, "1", "]}") },
  "a list without end": { status: 200, body: filled('{"results":[{},', "{}", "]}") },
  "texts for a list": { status: 200, body: ofTexts("a-") },
  "links for a list": { status: 200, body: ofTexts("https://a?") },
  brackets: { status: 200, body: filled("[", "[[]]", "]") },
};

/** A server with little memory, against an Atlas with the same answer to everything. */
async function against(answer: { status: number; body: string }) {
  const { url } = await serve((_, response) => {
    response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
  });
  const server = await startStdioServer({
    env: {
      HOME: await temporaryFolder(),
      // Ten times the usual need, and a third of the memory that one such answer took when the server examined all of it.
      NODE_OPTIONS: "--max-old-space-size=256",
      MONGODB_ATLAS_BASE_URL: url.origin,
      MONGODB_ATLAS_ACCESS_TOKEN: "an-access-token-1",
    },
  });
  onTestFinished(() => void server.child.kill("SIGKILL"));
  return server;
}

test.each(Object.entries(SHAPES))("the server survives answers of 8 MiB (%s) with little memory", async (_, answer) => {
  const server = await against(answer);
  const job = await server.call("get_restore_job", { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId });
  const list = await server.call("list_restore_jobs", { ...CLUSTER, limit: 1 });
  expect(JSON.stringify([job, list])).not.toContain("RESPONSE_TOO_LARGE");
});

test.each(Object.entries(SHAPES))(
  "a signal ends the server while answers of 8 MiB (%s) arrive",
  { tags: "signals" },
  async (_, answer) => {
    const server = await against(answer);
    const calls = [
      server.call("list_flex_clusters", {}).catch(() => "ended"),
      server.call("list_flex_snapshots", CLUSTER).catch(() => "ended"),
    ];
    server.child.kill("SIGTERM");
    expect(await server.ended).toEqual({ code: 0, signal: null });
    await Promise.all(calls);
    expect(server.output.stderr).not.toMatch(/end-timed-out/);
  },
);
