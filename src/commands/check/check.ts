import type { Writable } from "node:stream";
import type { Config, Options } from "../../config/config.ts";
import { secretsOf } from "../../config/credentials.ts";
import type { Environment } from "../../config/readers.ts";
import { withOrdersChecked } from "../../config/simulator.ts";
import { createLog } from "../../core/logger.ts";
import { createRedactor } from "../../core/redact.ts";
import { clean } from "../../core/text.ts";
import { systemClock } from "../../core/time.ts";
import { runCheck } from "./run-check.ts";
import type { Step, StepState } from "./step.ts";

/** A line of a terminal that nobody reads to its end; lists are capped before. */
const MAX_LINE_CHARACTERS = 1_000;

/** Runs the command `check` and resolves with its exit code: 0 when nothing failed, 1 otherwise. */
export async function check(input: {
  config: Config;
  options: Options;
  env: Environment;
  version: string;
}): Promise<0 | 1> {
  const { stdout, stderr } = process;
  const config = await withOrdersChecked(input.config);
  const asJson = input.options.json === true;
  const inColour = stdout.isTTY === true && !input.env.NO_COLOR;
  const redactor = createRedactor();
  for (const secret of secretsOf(config)) redactor.add(secret);
  const log = createLog({ level: "warn", scrub: redactor.scrub, stderr: process.stderr });
  const interruption = interruptedBy(stdout);
  const steps: Step[] = [];
  let complete = false;

  if (!asJson) stdout.write(`atlas-flex-snapshots-mcp ${input.version}\n\n`);
  try {
    for await (const found of runCheck({
      ...input,
      config,
      clock: systemClock,
      redactor,
      log,
      signal: interruption.signal,
    })) {
      const step = harmless(found, redactor.scrub);
      steps.push(step);
      if (!asJson) stdout.write(stepText(step, inColour));
    }
    complete = true;
  } catch (error) {
    if (interruption.signal.aborted) stderr.write("Interrupted.\n");
    else log.error({ error }, "The check itself failed");
  }
  const last = asJson ? jsonReport(steps, { version: input.version, complete }) : complete ? summaryText(steps) : "\n";
  await new Promise<void>((resolve) => stdout.write(last, () => resolve()));
  return complete && allWell(steps) ? 0 : 1;
}

/** The first signal ends the check in order, the second one the process; a reader that went away is as good as a signal. */
function interruptedBy(stdout: Writable): AbortController {
  const controller = new AbortController();
  const interrupt = () => controller.abort(new Error("The check was interrupted."));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, interrupt);
  stdout.on("error", interrupt);
  return controller;
}

/** Without secrets, and without characters that would change what a terminal shows. */
function harmless({ found, whatToDo, ...step }: Step, scrub: (text: string) => string): Step {
  const line = (text: string) => clean(scrub(clean(text, MAX_LINE_CHARACTERS)), MAX_LINE_CHARACTERS);
  return {
    ...step,
    found: line(found),
    ...(whatToDo ? { whatToDo: whatToDo.split("\n").map(line).join("\n") } : {}),
  };
}

const MARKS: Readonly<Record<StepState, { mark: string; colour: number }>> = {
  ok: { mark: "✓", colour: 32 },
  warning: { mark: "!", colour: 33 },
  failed: { mark: "✗", colour: 31 },
  skipped: { mark: "-", colour: 90 },
};

/** Wider than the longest title. */
const TITLE_WIDTH = 21;

/** One line of what was found, and what to do indented below it. */
export function stepText({ state, title, found, whatToDo }: Step, inColour: boolean): string {
  const { mark, colour } = MARKS[state];
  const shown = inColour ? `\u001b[${colour}m${mark}\u001b[0m` : mark;
  const advice = (whatToDo ?? "").split("\n").filter(Boolean);
  return [`${shown} ${title.padEnd(TITLE_WIDTH)}${found}`, ...advice.map((line) => `    ${line}`), ""].join("\n");
}

/** Relative to the repository and to the installed package. */
const PAGES =
  "docs/setup.md tells how to get credentials and where to put them, docs/troubleshooting.md what each code means.\n";

export function summaryText(steps: readonly Step[]): string {
  const count = (state: StepState) => steps.filter((step) => step.state === state).length;
  const failures = count("failed");
  const warnings = count("warning");
  const doubts = warnings === 0 ? "" : ` ${warnings === 1 ? "One step has" : `${warnings} steps have`} a warning.`;
  if (failures > 0) return `\n${failures === 1 ? "One step" : `${failures} steps`} failed.${doubts}\n${PAGES}`;
  return `\nEverything that could be tried works.${doubts}\n`;
}

interface JsonReport {
  ok: boolean;
  version: string;
  steps: Step[];
}

/** The report for scripts; `complete` is false when the check was interrupted, which is no success. */
export function jsonReport(steps: readonly Step[], facts: { version: string; complete: boolean }): string {
  const report: JsonReport = {
    ok: facts.complete && allWell(steps),
    version: facts.version,
    steps: steps.map(({ id, state, title, found, whatToDo, errorCode }) => ({
      id,
      state,
      title,
      found,
      ...(whatToDo ? { whatToDo } : {}),
      ...(errorCode ? { errorCode } : {}),
    })),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

const allWell = (steps: readonly Step[]): boolean => steps.every(({ state }) => state !== "failed");
