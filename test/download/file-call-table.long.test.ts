import { expect, test } from "vitest";
import { CODES, ZEROS } from "./file-call-outcomes.ts";
import { runTables } from "./file-call-table.ts";

test("a save ends well or tells why, and the next one completes, for every file call and every code", async () => {
  const { found, wanted } = await runTables([...CODES, ZEROS]);
  expect(found).toBe(wanted);
});
