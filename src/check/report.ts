import type { Step, StepState } from "./step.ts";

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

export interface JsonReport {
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

export const allWell = (steps: readonly Step[]): boolean => steps.every(({ state }) => state !== "failed");
