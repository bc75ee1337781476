import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

test("every test that is skipped names a reason of platform.ts, so that the end of the run can count it", async () => {
  const names = await readdir(import.meta.dirname, { recursive: true });
  const bare: string[] = [];
  for (const name of names.filter((each) => each.endsWith(".ts") && each !== "platform.ts")) {
    const text = await readFile(join(import.meta.dirname, name), "utf8");
    if (/\bskip\(|\.(?:skip|skipIf|runIf|todo)\b/.test(text.replaceAll(/\/\*[\s\S]*?\*\//g, ""))) bare.push(name);
  }
  expect(bare).toEqual([]);
});
