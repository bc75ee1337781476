// The command `check`: runs the steps, prints a report for people or scripts, and returns the exit code.
import { withOrdersChecked } from "../../config/simulator.ts";
import { createLog } from "../../core/logger.ts";
import { createRedactor, type Redactor } from "../../core/redact.ts";
import { systemClock } from "../../core/time.ts";
import { type Configured, indented, interruption, type Look, lookOf, markOf, written } from "../terminal.ts";
import { runCheck } from "./run-check.ts";
import type { Step, StepState } from "./step.ts";

/** Nobody reads longer texts on a terminal. Lists are shortened long before this limit. */
const MAX_LINE_CHARACTERS = 1_000;

/** Wider than the longest title. */
const TITLE_WIDTH = 21;

/** The paths are relative to the repository and to the installed package. */
const PAGES =
  "docs/setup.md tells how to get credentials and where to put them, docs/troubleshooting.md what each code means.";

/** Resolves to the exit code: 0 if the check is complete and nothing failed, otherwise 1. */
export async function check(input: Configured & { version: string }): Promise<0 | 1> {
  const { stdout, stderr } = process;
  const { options, env, version } = input;
  const config = await withOrdersChecked(input.config);
  const asJson = options.json === true;
  const look = lookOf(stdout, env);
  const redactor = createRedactor(config.secrets);
  const log = createLog({ level: "warn", scrub: redactor.scrub, stderr });
  const interrupted = interruption();
  const { signal } = interrupted;
  // Nobody reads the report any more.
  stdout.on("error", (error) => interrupted.abort(error));
  const steps: Step[] = [];
  let complete = false;

  if (!asJson) stdout.write(`atlas-flex-snapshots-mcp ${version}\n\n`);
  try {
    for await (const found of runCheck({ ...input, config, clock: systemClock, redactor, log, signal })) {
      const step = harmless(found, redactor.shown);
      steps.push(step);
      if (!asJson) stdout.write(stepText(step, look));
    }
    complete = true;
  } catch (error) {
    if (signal.aborted) stderr.write("Interrupted.\n");
    else log.error({ error }, "The check itself failed");
  }
  const last = asJson ? jsonReport(steps, { version, complete }) : complete ? summaryText(steps, look) : "\n";
  await log.written();
  await written(stdout, last);
  return complete && nothingFailed(steps) ? 0 : 1;
}

/** The fields of the report in their order, without secrets and without characters that a terminal would act on. */
function harmless({ id, state, title, found, whatToDo, errorCode }: Step, shown: Redactor["shown"]): Step {
  const line = (text: string) => shown(text, MAX_LINE_CHARACTERS);
  return {
    id,
    state,
    title,
    found: line(found),
    ...(whatToDo ? { whatToDo: whatToDo.split("\n").map(line).join("\n") } : {}),
    ...(errorCode ? { errorCode } : {}),
  };
}

/** What was found beside the title, and below it what to do. Both are indented where their lines are broken. */
export function stepText({ state, title, found, whatToDo }: Step, look: Look): string {
  const { columns } = look;
  const advice = (whatToDo ?? "").split("\n").filter(Boolean);
  return [
    `${markOf(state, look)} ${title.padEnd(TITLE_WIDTH)}${indented(found, TITLE_WIDTH + 2, columns).trimStart()}`,
    ...advice.map((line) => indented(line, 4, columns)),
    "",
  ].join("\n");
}

export function summaryText(steps: readonly Step[], { columns }: Pick<Look, "columns"> = {}): string {
  const count = (state: StepState) => steps.filter((step) => step.state === state).length;
  const failures = count("failed");
  const warnings = count("warning");
  const doubts = warnings === 0 ? "" : ` ${warnings === 1 ? "One step has" : `${warnings} steps have`} a warning.`;
  if (failures === 0) return `\nEverything that could be tried works.${doubts}\n`;
  return `\n${failures === 1 ? "One step" : `${failures} steps`} failed.${doubts}\n${indented(PAGES, 0, columns)}\n`;
}

/** The report for scripts. An interrupted check is not complete and therefore not `ok`. */
export function jsonReport(steps: readonly Step[], facts: { version: string; complete: boolean }): string {
  const report = { ok: facts.complete && nothingFailed(steps), version: facts.version, steps };
  return `${JSON.stringify(report, null, 2)}\n`;
}

const nothingFailed = (steps: readonly Step[]): boolean => steps.every(({ state }) => state !== "failed");
