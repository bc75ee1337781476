import { expect, test } from "vitest";
import { ZEROS } from "./file-call-outcomes.ts";
import { runTables } from "./file-call-table.ts";

/** One of each kind: in use, a failing disk, not supported, full. The long tests have all. */
const KINDS = ["EBUSY", "EIO", "ENOTSUP", "ENOSPC", ZEROS];

test("a save ends well or tells why, and the next one completes, whatever file call fails", {
  tags: ["modes", "folder-sync"],
  timeout: 240_000,
}, async () => {
  const { found, wanted } = await runTables(KINDS);
  expect(found).toBe(wanted);
});
