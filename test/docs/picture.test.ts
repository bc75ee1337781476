import { readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./pages.ts";
import { bash } from "./shell.ts";

const picture = readFileSync(join(ROOT, "docs/demo.svg"), "utf8");

/** The lines of text as they are shown. */
const shown = [...picture.matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, line = ""]) =>
  line
    .replace(/<[^>]+>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&"),
);

/** What is the same in every run: without numbers, hashes, bars and the indentation of answers. */
function lasting(line: string): string {
  return line
    .replaceAll(ROOT, "~/atlas-flex-snapshots-mcp")
    .replace(/← +/, "← ")
    .replace(/[█░]+/g, "░")
    .replace(/[0-9a-f]*\d[0-9a-f.]*/g, "0");
}

test("the demo works, and every line of its picture is one that it prints", { timeout: 90_000 }, async () => {
  const { exitCode, stdout, stderr } = await bash("node scripts/demo.mjs", { env: { HOME: ROOT } });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const printed = stdout.split("\n").map(lasting);
  const invented = shown
    .filter((line) => line !== "" && line !== "$ npm run demo")
    .map((line) => lasting(line.replace(/…$/, "")))
    .filter((line) => !printed.some((other) => other.startsWith(line.replace(/0$/, ""))));
  expect(invented).toEqual([]);

  const [, saved = ""] = /A verified backup lies in (\S+)/.exec(stdout) ?? [];
  expect((await stat(join(ROOT, saved))).size).toBeGreaterThan(0);
});

test("the picture tells the whole story and nothing of the computer it was made on", () => {
  for (const tool of ["list_flex_snapshots", "request_flex_snapshot_download", "get_restore_job", "save_flex_snapshot"])
    expect(
      shown.some((line) => line.startsWith(`  → ${tool}`)),
      tool,
    ).toBe(true);
  expect(shown.at(-1)).toMatch(/^Done\./);
  expect(picture).not.toMatch(/\/(home|root|tmp|Users)\//);
});
