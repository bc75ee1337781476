import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterEach, expect, test } from "vitest";

const ids = { groupId: "5fa1000000000000000000b1", name: "orders" };
const client = new Client({ name: "test", version: "1.0.0" });
afterEach(() => client.close());

test("a download is requested and its job followed to the link", async () => {
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: ["dist/atlas-flex-snapshots-mcp.js", "--simulate"] }),
  );
  const requested = await client.callTool({
    name: "request_flex_snapshot_download",
    arguments: { ...ids, snapshotId: "5fa1000000000000000000c8" },
  });
  expect(requested.structuredContent).toMatchObject({ httpStatus: 200, restoreJob: { status: "PENDING" } });
  await new Promise((resolve) => setTimeout(resolve, 4_200));
  const followed = await client.callTool({
    name: "get_restore_job",
    arguments: { ...ids, restoreJobId: "5fa100000000000000000001" },
  });
  expect(followed.structuredContent).toMatchObject({
    finished: true,
    restoreJob: { status: "COMPLETED", snapshotUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/files\//) },
  });
  const refused = await client.callTool({ name: "get_restore_job", arguments: { ...ids, restoreJobId: "XYZ" } });
  expect(refused).toMatchObject({ isError: true, structuredContent: { error: { errorCode: "INVALID_INPUT" } } });
});
