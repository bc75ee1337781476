import { spawnSync } from "node:child_process";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../fixtures.ts";
import { PAGES, pageOf, ROOT } from "./pages.ts";

function runDocs(cwd: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts/docs.mjs"), ...args], {
    cwd,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test("the generated blocks say what the code says; npm run docs mends them", () => {
  expect(runDocs(ROOT, "--check")).toEqual({ status: 0, stdout: "", stderr: "" });
});

test("a changed block is found without being touched, then rewritten", async () => {
  const clone = await temporaryFolder();
  await cp(join(ROOT, "docs"), join(clone, "docs"), { recursive: true });
  for (const name of ["src", "node_modules", "package.json"]) await symlink(join(ROOT, name), join(clone, name));
  const { text } = pageOf("README.md");
  const readme = join(clone, "README.md");
  const stale = text.replace("| reads Atlas |", "| writes Atlas |");
  await writeFile(readme, stale);

  expect(runDocs(clone, "--check")).toMatchObject({ status: 1, stdout: "README.md is stale; run npm run docs.\n" });
  expect(await readFile(readme, "utf8")).toBe(stale);
  expect(runDocs(clone)).toMatchObject({ status: 0, stdout: "README.md written.\n" });
  expect(await readFile(readme, "utf8")).toBe(text);
});

test("every generated block has its end", () => {
  for (const { path, text } of PAGES) {
    const starts = [...text.matchAll(/<!-- generated: /g)].length;
    expect([...text.matchAll(/<!-- generated: [a-z-]+ -->\n[^<]+\n<!-- end -->/g)], path).toHaveLength(starts);
  }
});
