import type { Writable } from "node:stream";
import type { Environment } from "../config/config.ts";
import type { Config, Options } from "../config/parse.ts";
import { withOrdersChecked } from "../config/simulator.ts";
import { createLog } from "../core/logger.ts";
import { createRedactor } from "../core/redact.ts";
import { clean } from "../core/text.ts";
import { systemClock } from "../core/time.ts";
import { secretsOf } from "../serve.ts";
import { allWell, jsonReport, stepText, summaryText } from "./report.ts";
import { runCheck } from "./run-check.ts";
import type { Step } from "./step.ts";

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
