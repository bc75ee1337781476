// The file of `save --report`: hands the observers to the save, shows the report on the screen, then writes it.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Writable } from "node:stream";
import { codeOf } from "../../core/errors.ts";
import type { Log } from "../../core/logger.ts";
import { quoted } from "../../core/text.ts";
import { written } from "../terminal.ts";
import type { Outcome } from "./outcome.ts";
import { createReport, type Report, type ReportOptions } from "./report.ts";

interface ReportFile extends Pick<Report, "onExchange" | "onFileExchange"> {
  /** Resolves to false when the report could not be written. */
  write: (outcomes: readonly Outcome[], screen: Writable) => Promise<boolean>;
}

/** Why the report cannot be written there, known before anything is saved. An existing file is not overwritten. */
export function obstacleAt(path: string): string | undefined {
  if (existsSync(path)) return `${quoted(path)} exists already: choose another name for the report.`;
  if (!existsSync(dirname(path))) return `There is no folder ${quoted(dirname(path))} for the report.`;
  return undefined;
}

/** A fault in the report never ends the save; the log tells it. */
export function createReportFile(path: string, { log, ...options }: ReportOptions & { log: Log }): ReportFile {
  const report = createReport(options);
  const harmless =
    <Seen>(observe: (seen: Seen) => void) =>
    (seen: Seen) => {
      try {
        observe(seen);
      } catch (error) {
        log.error({ error }, "The report lacks something");
      }
    };
  return {
    onExchange: harmless(report.onExchange),
    onFileExchange: harmless(report.onFileExchange),
    write: async (outcomes, screen) => {
      try {
        const text = await report.describe(outcomes.map(described));
        await written(screen, `\n${text}\n`);
        await writeFile(path, text, { flag: "wx", mode: 0o600 });
        await written(screen, `The report is in ${path}. Read it before you send it to anybody.\n`);
        return true;
      } catch (error) {
        log.error({ error }, "The report failed");
        await written(screen, `The report could not be written${codeOf(error) ? ` (${codeOf(error)})` : ""}.\n`);
        return false;
      }
    },
  };
}

function described({ found, target, report, failure }: Outcome) {
  return {
    identity: {
      ...(found && { name: found.name, groupId: found.project.id }),
      ...(target && { snapshotId: target.snapshotId }),
    },
    ...(report && { report }),
    ...(failure && { error: failure }),
  };
}
