import { describe, expect, onTestFinished, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { openStation, startStdioServer } from "../faults/station.ts";
import { CLUSTER, temporaryFolder } from "../fixtures.ts";
import { credentialsOf, leaksIn, signaturesOf } from "./sentinels.ts";

const SNAPSHOT = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };

/** Whoever asks for help is told to set one of these, and sends the output along. */
const SECTIONS = ["*", "undici", "UNDICI,fetch,websocket", "http,https,net,tls,stream,child_process,worker"];

test("under NODE_DEBUG=stream, nothing of the first bytes that arrive is printed", async () => {
  const { server, close } = await openStation({ env: { NODE_DEBUG: "stream" } });
  onTestFinished(() => void server.child.kill("SIGKILL"));
  await server.call("list_flex_clusters", {});
  await close();
  expect(server.output.stderr).toMatch(/STREAM \d+: push <Buffer>/);
  expect(server.output.stderr).not.toMatch(/<Buffer [\da-f]/);
});

test("under NODE_DEBUG=*, --simulate prints neither a link nor a header with credentials", async () => {
  const folder = await temporaryFolder();
  const server = await startStdioServer({
    args: ["--simulate"],
    env: { HOME: folder, ATLAS_FLEX_DOWNLOAD_DIR: folder, NODE_DEBUG: "*" },
  });
  onTestFinished(() => void server.child.kill("SIGKILL"));
  const saved = await server.call("save_flex_snapshot", { ...SNAPSHOT, waitSeconds: 40 });
  expect(saved.structuredContent).toMatchObject({ state: "complete" });
  await server.leave();
  expect(server.output.stdout + server.output.stderr).not.toMatch(/X-Amz-|Bearer [\w.-]{8}|Basic [\w+/=]{8}/);
});

describe("what Node.js and undici print under NODE_DEBUG holds no link, no token and no secret", () => {
  test.for(SECTIONS)("%s", { timeout: 60_000 }, async (sections, { expect, onTestFinished }) => {
    const { server, simulator, close } = await openStation({ env: { NODE_DEBUG: sections } });
    onTestFinished(() => void server.child.kill("SIGKILL"));
    const saved = await server.call("save_flex_snapshot", { ...SNAPSHOT, waitSeconds: 40 }, { progress: true });
    expect(saved.structuredContent).toMatchObject({ state: "complete" });
    await server.call("verify_saved_snapshot", { fileName: saved.structuredContent.fileName });
    const secrets = { ...credentialsOf(simulator), ...(await signaturesOf(simulator, CLUSTER)) };
    const paths = simulator.requests.filter(({ operation }) => operation === "file").map(({ path }) => path);
    const complaints = await close();
    const output = server.output.stdout + server.output.stderr;
    // Node.js prints bytes in hexadecimal with blanks.
    const found = leaksIn(`${output}\n${output.replaceAll(" ", "")}`, secrets);
    expect(found).toEqual([]);
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths) expect(output).not.toContain(path);
    expect(complaints.filter((line) => !line.startsWith("not a log record"))).toEqual([]);
  });
});
