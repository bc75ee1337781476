import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { Overview } from "../../../src/commands/status/overview.ts";
import { failureText, overviewText } from "../../../src/commands/status/view.ts";
import { lookOf } from "../../../src/commands/terminal.ts";
import { ownFailure } from "../../../src/core/errors.ts";

const project = { id: "5fa1000000000000000000b1", name: "Shop" };
const sentence = "Its newest backup failed; the next is due within a day. Its newest complete backup is 31 hours old.";
const overview: Overview = {
  rows: [
    { name: "orders", project, isRead: true, wrong: [sentence] },
    { name: "fresh", project, isRead: true, wrong: [] },
  ],
  wrong: [],
  warnings: [],
  folder: "/backups",
  isFolderRead: true,
};
const terminal = (columns: number) => Object.assign(new PassThrough(), { isTTY: true, columns });

test("on a terminal, marks are coloured and sentences are broken between words and indented", () => {
  const look = lookOf(terminal(60), {});
  expect(
    overviewText(overview, look, 0).replaceAll(/\u001b\[\d+m/g, ""),
  ).toBe(`✗ 1 of 2 clusters needs attention: orders. Its newest backup
  failed; the next is due within a day. Its newest complete
  backup is 31 hours old.

  CLUSTER  PROJECT  NEWEST IN ATLAS  NEWEST HERE
✗ orders   Shop     none             none
    Its newest backup failed; the next is due within a day.
    Its newest complete backup is 31 hours old.
✓ fresh    Shop     none             none

Files are in /backups
`);
  expect(overviewText(overview, look, 0)).toMatch(/^\u001b\[31m✗\u001b\[0m 1 of 2/);
  const failure = failureText(ownFailure("INVALID_CREDENTIALS"), look).replaceAll(/\u001b\[\d+m/g, "");
  expect(failure.split("\n").filter((line) => line.length > 60)).toEqual([]);
});

test("NO_COLOR, a dumb terminal and a file get no colour; a file gets whole lines", () => {
  expect(overviewText(overview, lookOf(terminal(60), { NO_COLOR: "1" }), 0)).not.toContain("\u001b");
  expect(overviewText(overview, lookOf(terminal(60), { TERM: "dumb" }), 0)).not.toContain("\u001b");
  const [first] = overviewText(overview, lookOf(new PassThrough(), {}), 0).split("\n");
  expect(first).toBe(`✗ 1 of 2 clusters needs attention: orders. ${sentence}`);
});
