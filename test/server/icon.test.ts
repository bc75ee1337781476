import { expect, test } from "vitest";
import { TOOL_LIST } from "../../src/tools/tool-list.ts";
import { serverWith } from "../fixtures.ts";

test("the answer to initialize has one icon, a PNG of at most 1,500 bytes that needs no request", async () => {
  const { client } = await serverWith();
  const { icons = [] } = client.getServerVersion() ?? {};
  expect(icons).toHaveLength(1);
  const [, data = ""] = /^data:image\/png;base64,([\w+/]+=*)$/.exec(icons[0]?.src ?? "") ?? [];
  const png = Buffer.from(data, "base64");
  expect(png.subarray(0, 8)).toEqual(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"));
  expect(png.length).toBeLessThanOrEqual(1_500);
  expect(icons[0]).toMatchObject({
    mimeType: "image/png",
    sizes: [`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`],
  });
});

test("no tool has an icon, since the list of tools is read by models", () => {
  expect(JSON.stringify(TOOL_LIST)).not.toMatch(/icons|data:image/);
});
