import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./manifest.ts";

test("the third-party notices are those of what is bundled", () => {
  expect(() => execFileSync(process.execPath, [join(ROOT, "scripts/notices.mjs"), "--check"])).not.toThrow();
});

const notices = readFileSync(join(ROOT, "THIRD_PARTY_NOTICES.md"), "utf8");
const listed = [...notices.matchAll(/^- (\S+) \(.*\): (.*?)\r?$/gm)].map(([, name = "", licence = ""]) => ({
  name,
  licence,
}));

test("the third-party notices list what the server is known to need, and hold a text for each package", () => {
  const names = listed.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["@modelcontextprotocol/sdk", "zod", "undici", "llhttp", "pino"]));
  const headings = [...notices.matchAll(/^## (.*?)\r?$/gm)].flatMap(([, heading = ""]) => heading.split(", "));
  expect(headings.toSorted()).toEqual(names.toSorted());
});

test("every bundled package is under a licence that lets it be passed on under ours", () => {
  const permissive = ["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD"];
  for (const { name, licence } of listed) expect(permissive, name).toContain(licence);
});
