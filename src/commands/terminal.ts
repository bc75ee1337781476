// How a command looks on a terminal or in a file, and how signals reach it.
import type { Writable } from "node:stream";
import { type Environment, isSet, settingOf } from "../config/setting-text.ts";
import type { Config, Options } from "../config/types.ts";
import { SETTINGS } from "../config/variables.ts";
import { ownFailure } from "../core/errors.ts";
import { createLog, type Log } from "../core/logger.ts";
import type { Redactor } from "../core/redact.ts";
import { wrapWords } from "../core/text.ts";

/** The configuration, and the options and variables it was read from. */
export interface Configured {
  config: Config;
  options: Options;
  env: Environment;
}

/** How a text looks where it goes. Without `columns`, lines stay whole, so that programs can read them. */
export interface Look {
  inColour: boolean;
  columns?: number | undefined;
}

type Output = Writable & { isTTY?: boolean; columns?: number };

/** No colour where NO_COLOR is set (no-color.org). A dumb terminal counts as a file. Some terminals say that they have 0 columns. */
export function lookOf(stream: Output, { NO_COLOR, TERM }: Environment): Look {
  if (stream.isTTY !== true || TERM === "dumb") return { inColour: false };
  return { inColour: !NO_COLOR, columns: stream.columns ? stream.columns : undefined };
}

const MARKS = {
  ok: { mark: "✓", colour: 32 },
  warning: { mark: "!", colour: 33 },
  failed: { mark: "✗", colour: 31 },
  skipped: { mark: "-", colour: 90 },
} as const;

export function markOf(state: keyof typeof MARKS, { inColour }: Look): string {
  const { mark, colour } = MARKS[state];
  return inColour ? `\u001b[${colour}m${mark}\u001b[0m` : mark;
}

/** Narrower lines would hold a word each; on such a terminal, longer ones are easier to read. */
const MIN_TEXT_WIDTH = 20;

/** A text whose lines all begin at the same column. */
export function indented(text: string, indent: number, columns = Number.POSITIVE_INFINITY): string {
  const lines = wrapWords(text, Math.max(MIN_TEXT_WIDTH, columns - indent));
  return lines.map((line) => " ".repeat(indent) + line).join("\n");
}

/** The exit code of a process that a signal has ended, as shells count it: 128 and the number of the signal. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export class Interruption extends Error {
  override readonly name = "Interruption";
  constructor(readonly exitCode: number) {
    super("The command was interrupted.");
  }
}

/** Aborts with an `Interruption` at the first signal. A second signal ends the process. */
export function interruption(): AbortController {
  const controller = new AbortController();
  for (const [signal, exitCode] of Object.entries(SIGNALS))
    process.once(signal, () => controller.abort(new Interruption(exitCode)));
  return controller;
}

/** Throws `CONFIGURATION_INVALID` with every problem of the settings. */
export function refuseUnusable({ problems }: Config): void {
  if (problems.length === 0) return;
  const hint = "Correct the named settings, then try again. The command check tries all of them.";
  throw ownFailure("CONFIGURATION_INVALID", { detail: problems.join(" "), hint });
}

/** What people do not ask for is left out of the log: a command says in sentences what matters. Errors stay. */
export function createCommandLog({ config, options, env }: Configured, { scrub }: Redactor, stderr: Writable): Log {
  const isChosen = options["log-level"] !== undefined || isSet(settingOf(env, SETTINGS.logLevel.name));
  return createLog({ level: isChosen ? config.logLevel : "error", scrub, stderr });
}

/** Resolves when the text is written, or cannot be because the reader has gone. */
export function written(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve) => stream.write(text, () => resolve()));
}
