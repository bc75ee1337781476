import { expect, test } from "vitest";
import * as z from "zod";
import { outcomeEntry } from "../../src/commands/save/outcome.ts";
import type { Overview } from "../../src/commands/status/overview.ts";
import { overviewText } from "../../src/commands/status/view.ts";
import { OPTIONS } from "../../src/config/command-line.ts";
import { ownFailure } from "../../src/core/errors.ts";
import { Report } from "../commands/status/looked.ts";
import { pageOf } from "./pages.ts";

const page = pageOf("docs/commands.md");

function sectionOf(heading: string): string {
  const [, section = ""] = page.text.split(`${heading}\n`);
  return section.split(/^#/m)[0] ?? "";
}

const firstCells = (section: string) => [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell = ""]) => cell);

test("the page on commands lists every field of save --json, in its order", () => {
  const groupId = "5fa1000000000000000000b1";
  const entry = outcomeEntry(
    {
      found: { name: "orders", project: { id: groupId, name: "Shop" } },
      target: { groupId, snapshotId: "5fa1000000000000000000c8", notes: [] },
      report: {
        state: "complete",
        bytes: 1,
        integrity: { gzip: "ok", length: "ok", md5: "ok" },
        contents: { kind: "unknown", unpackedBytes: 1 },
      },
      failure: ownFailure("TIMEOUT").envelope,
      kept: { removed: [], inUse: [] },
    },
    0,
  );
  expect(firstCells(sectionOf("### What save answers as JSON"))).toEqual(Object.keys(entry));
});

/** The paths of all fields, in the order of the schema. */
function pathsOf(schema: unknown, path = ""): string[] {
  if (schema instanceof z.ZodOptional) return pathsOf(schema.unwrap(), path);
  if (schema instanceof z.ZodArray && schema.element instanceof z.ZodObject)
    return pathsOf(schema.element, `${path}[]`);
  if (!(schema instanceof z.ZodObject) || path === "error") return [path];
  return Object.entries(schema.shape).flatMap(([name, field]) => pathsOf(field, path ? `${path}.${name}` : name));
}

test("the page on commands lists every field of status --json, in its order", () => {
  expect(firstCells(sectionOf("### What status answers as JSON"))).toEqual(pathsOf(Report));
});

test("the page on commands has a table of each command's own options", () => {
  for (const command of ["check", "save", "status"] as const) {
    const own = Object.entries(OPTIONS).filter(([, { only }]) => only?.includes(command));
    const listed = firstCells(sectionOf(`## ${command}`)).map((cell) => cell.split(" ")[0]);
    expect(listed, command).toEqual(own.map(([name]) => `--${name}`));
  }
});

test("the page on commands shows status as it looks", () => {
  const now = new Date(2026, 10, 26, 10, 1).getTime();
  const at = (day: number) => new Date(2026, 10, day, 3, 1).toISOString();
  const project = { id: "5fa1000000000000000000b1", name: "Shop" };
  const backup = (day: number) => ({ snapshotId: "5fa1000000000000000000c8", finishTime: at(day) });
  const overview: Overview = {
    rows: [
      {
        name: "orders",
        project,
        isRead: true,
        newestBackup: backup(25),
        newestFile: {
          fileName: "1.tgz",
          path: "/backups/1.tgz",
          bytes: 1,
          state: "complete",
          facts: { finishTime: at(25) },
        },
        wrong: ["Its newest complete backup is 31 hours old, and Atlas takes one a day."],
      },
      { name: "customers", project, isRead: true, newestBackup: backup(26), wrong: [] },
      { name: "fresh", project, isRead: true, wrong: [] },
    ],
    wrong: [],
    warnings: [],
    folder: "/backups",
    isFolderRead: true,
  };
  const shown = page.fences.find(({ language }) => language === "text")?.code;
  expect(shown).toBe(overviewText(overview, { inColour: false }, now));
});
