import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** The folder of the reader's clone, as the pages write it. */
export const CLONE = "/path/to/atlas-flex-snapshots-mcp";

interface Fence {
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

/** Pages for people who change this program; tests do not run their commands. */
export const OTHER_PAGES: readonly Page[] = ["CONTRIBUTING.md", "CHANGELOG.md"].map(readPage);

export function pageOf(path: string): Page {
  const page = PAGES.find((candidate) => candidate.path === path);
  if (!page) throw new Error(`There is no page ${path}`);
  return page;
}

/** The commands of the blocks for a shell; one that goes on after a backslash is one. */
export function commandsOf({ fences }: Page, shell = "sh"): string[] {
  return fences
    .filter(({ language }) => language === shell)
    .flatMap(({ code }) => code.replaceAll(/ \\\n +/g, " ").split("\n"))
    .filter((line) => line.trim() !== "");
}
