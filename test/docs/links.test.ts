import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { OTHER_PAGES, PAGES, type Page, ROOT, slugOf } from "./pages.ts";

function linksOf({ prose }: Page): string[] {
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !target.startsWith("https://"));
}

function slugsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => slugOf(heading));
}

function isBroken(page: Page, link: string): boolean {
  const [path = "", fragment] = link.split("#");
  const file = path === "" ? join(ROOT, page.path) : join(ROOT, dirname(page.path), path);
  if (!existsSync(file)) return true;
  return fragment !== undefined && !slugsOf(readFileSync(file, "utf8")).includes(fragment);
}

test.each([...PAGES, ...OTHER_PAGES])("every link of $path leads to a file and heading of the clone", (page) => {
  expect(linksOf(page).filter((link) => isBroken(page, link))).toEqual([]);
});

test.each(PAGES)("no two headings of $path are the same, since a link would mean only the first", ({ prose }) => {
  const slugs = slugsOf(prose);
  expect(slugs).toEqual([...new Set(slugs)]);
});
