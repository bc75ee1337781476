import { expect, test } from "vitest";
import { CATALOG } from "../../src/tools/catalog.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { serverWith } from "../fixtures.ts";

test("the catalog and the list of full tools name the same tools in the same order", () => {
  expect(TOOLS.map(({ name }) => name)).toEqual(CATALOG.map(({ name }) => name));
});

test("tools/list stays within its budget of bytes, and every tool has its annotations", async () => {
  const { client } = await serverWith({ args: ["--simulate"] });
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(CATALOG.map(({ name }) => name));
  expect(Buffer.byteLength(JSON.stringify({ tools }))).toBeLessThanOrEqual(20_000);
  const read = tools.map(({ name, title, description, inputSchema }) => ({ name, title, description, inputSchema }));
  expect(Buffer.byteLength(JSON.stringify(read))).toBeLessThanOrEqual(8_500);
  for (const { name, title, annotations } of tools) {
    expect(annotations).toEqual({
      title,
      readOnlyHint: expect.any(Boolean),
      destructiveHint: name === "stop_saving_snapshot",
      idempotentHint: name !== "request_flex_snapshot_download",
      openWorldHint: !["stop_saving_snapshot", "list_saved_snapshots", "verify_saved_snapshot"].includes(name),
    });
  }
  expect(tools.find(({ name }) => name === "request_flex_snapshot_download")?.description).toMatch(
    /^Creates a download link for a Flex snapshot; saves no file\. /,
  );
  expect(tools.find(({ name }) => name === "save_flex_snapshot")?.description).toMatch(
    /^Downloads a backup \(snapshot\) of a Flex cluster to a verified file on this computer; the cluster's name is enough\. /,
  );
});
