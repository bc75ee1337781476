import { expect, test } from "vitest";
import { parseJson } from "../../src/http/transport.ts";

test.each([
  ["entries", `{"results":[${"1,".repeat(100_000)}1]}`],
  ["empty objects", `[${"{},".repeat(100_000)}{}]`],
  ["empty lists within lists", `[${"[[]],".repeat(50_000)}[]]`],
  ["members", `{${Array.from({ length: 100_001 }, (_, index) => `"${index}":1`).join(",")}}`],
  ["levels", `${"[".repeat(65)}${"]".repeat(65)}`],
])("a text with more %s than any answer of Atlas is not read", (_, text) => {
  expect(() => JSON.parse(text)).not.toThrow();
  expect(parseJson(text)).toBeUndefined();
});

test("a full page of entries with two hundred values each is read", () => {
  const entry = Object.fromEntries(Array.from({ length: 198 }, (_, index) => [`field ${index}`, "a value"]));
  const page = { results: Array.from({ length: 500 }, () => entry), totalCount: 500 };
  expect(parseJson(JSON.stringify(page))).toEqual(page);
});

test("commas, brackets and escaped quotes within a string are one value", () => {
  const text = '\\",[{'.repeat(200_000);
  expect(parseJson(JSON.stringify({ text }))).toEqual({ text });
});
