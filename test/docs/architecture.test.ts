import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pageOf, ROOT } from "./pages.ts";

const { text } = pageOf("docs/architecture.md");
const [, list = ""] = text.split("## Every file");

test("the list names every file of src, each once, and no other", () => {
  const named = [...list.matchAll(/^- \[([^\]]+)\]\(\.\.\/(src\/[^)]+)\): \S.*\.$/gm)].map(([, , path = ""]) => path);
  const present = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => `src/${path.replaceAll("\\", "/")}`);
  expect({
    withoutSentence: present.filter((path) => !named.includes(path)),
    withoutFile: named.filter((path) => !present.includes(path)),
    twice: named.filter((path, index) => named.indexOf(path) !== index),
  }).toEqual({ withoutSentence: [], withoutFile: [], twice: [] });
});
