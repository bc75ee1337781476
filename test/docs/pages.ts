import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** Stands in the pages for the folder of the reader's clone. */
export const CLONE = "/path/to/atlas-flex-snapshots-mcp";

export interface Fence {
  language: string;
  code: string;
}

export interface Page {
  /** Relative to the clone. */
  path: string;
  text: string;
  fences: Fence[];
  /** Without fenced code. */
  prose: string;
}

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;

function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), "utf8");
  const fences = [...text.matchAll(FENCE)].map(([, language = "", code = ""]) => ({ language, code }));
  return { path, text, fences, prose: text.replace(FENCE, "") };
}

/** README.md and every page of docs. */
export const PAGES: readonly Page[] = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
].map(readPage);

/** Pages for people who change this program; their commands are not for readers. */
export const OTHER_PAGES: readonly Page[] = ["CONTRIBUTING.md", "CHANGELOG.md"].map(readPage);

export function pageOf(path: string): Page {
  const page = PAGES.find((candidate) => candidate.path === path);
  if (!page) throw new Error(`There is no page ${path}`);
  return page;
}

/** The commands of the shell blocks, one a line. */
export function commandsOf({ fences }: Page): string[] {
  return fences
    .filter(({ language }) => language === "sh")
    .flatMap(({ code }) => code.split("\n"))
    .filter((line) => line.trim() !== "");
}

/** The fragment that GitHub gives a heading. */
export function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[`*]/g, "")
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}
