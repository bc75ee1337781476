import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./pages.ts";

export const PICTURE = readFileSync(join(ROOT, "docs/demo.svg"), "utf8");

/** The lines of text as they are shown. */
export const SHOWN = [...PICTURE.matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, line = ""]) =>
  line
    .replace(/<[^>]+>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&"),
);

/** What is the same in every run: without numbers, hashes, the length of bars and the indentation of answers. */
function lasting(line: string): string {
  return line
    .replaceAll(ROOT, "~/atlas-flex-snapshots-mcp")
    .replace(/← +/, "← ")
    .replace(/[█░]+/g, "░")
    .replace(/[0-9a-f]*\d[0-9a-f.]*/g, "0");
}

/** Lines of the picture that do not begin any line of the output. */
export function inventedLines(output: string): string[] {
  const printed = output.split("\n").map(lasting);
  return SHOWN.filter((line) => line !== "" && line !== "$ npm run demo").filter((line) => {
    const start = lasting(line.replace(/…$/, "")).replace(/0$/, "");
    return !printed.some((other) => other.startsWith(start));
  });
}
