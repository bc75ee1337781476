import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pageOf, ROOT } from "./pages.ts";

test("the page on architecture has one row for each folder of src, and no other", () => {
  const rows = [...pageOf("docs/architecture.md").text.matchAll(/^\| `([a-z/]+)\/` \| \S/gm)].map(
    ([, folder]) => folder,
  );
  const files = readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const folders = files.map(({ parentPath }) => parentPath.slice(join(ROOT, "src/").length).replaceAll("\\", "/"));
  expect(rows.toSorted()).toEqual([...new Set(folders.filter(Boolean))].toSorted());
});
