// The command `status`: how old the newest backup of each cluster is, in Atlas and in the download folder, and what is wrong.
import { withOrdersChecked } from "../../config/simulator.ts";
import { Failure, ownFailure } from "../../core/errors.ts";
import { createRedactor } from "../../core/redact.ts";
import { systemClock } from "../../core/time.ts";
import { createRuntime, type Runtime } from "../../server/runtime.ts";
import type { Configured } from "../terminal.ts";
import { createCommandLog, Interruption, interruption, lookOf, refuseUnusable, written } from "../terminal.ts";
import { readOrder } from "./order.ts";
import { lookAround } from "./overview.ts";
import { failureJson, failureText, isWell, overviewJson, overviewText } from "./view.ts";

/** Resolves to the exit code: 0 if every backup is recent enough, otherwise 1; 2 for wrong usage. */
export async function status(input: Configured & { version: string }): Promise<number> {
  const { stdout, stderr } = process;
  const { options, env, version } = input;
  const order = readOrder(options);
  if ("usageError" in order) {
    await written(stderr, `${order.usageError}\n`);
    return 2;
  }
  // A reader that has gone must not change the exit code.
  for (const stream of [stdout, stderr]) stream.on("error", () => undefined);
  const config = await withOrdersChecked(input.config);
  const redactor = createRedactor(config.secrets);
  const warn = (text: string) => written(stderr, redactor.scrub(`! ${text}\n`));
  const log = createCommandLog(input, redactor, stderr);
  const { signal } = interruption();
  const look = lookOf(stdout, env);
  for (const warning of config.warnings) await warn(warning);

  let runtime: Runtime | undefined;
  let answer = "";
  let exitCode = 1;
  try {
    refuseUnusable(config);
    runtime = await createRuntime(
      { ...config, readOnly: true },
      { clock: systemClock, redactor, log, version, tools: [] },
    );
    const overview = await lookAround(order, config, runtime, signal);
    for (const warning of overview.warnings) await warn(warning);
    exitCode = isWell(overview) ? 0 : 1;
    const { now } = systemClock;
    answer = order.asJson ? overviewJson(overview, order, now()) : overviewText(overview, look, now());
  } catch (error) {
    if (signal.reason instanceof Interruption) {
      exitCode = signal.reason.exitCode;
      await written(stderr, "Interrupted.\n");
    } else {
      const failure = error instanceof Failure ? error : ownFailure("INTERNAL_ERROR", {}, { cause: error });
      if (failure !== error) log.error({ error }, "The look at the backups failed unexpectedly");
      answer = order.asJson ? failureJson(failure) : failureText(failure, look);
    }
  } finally {
    await runtime?.close();
  }
  await written(stdout, redactor.scrub(answer));
  await log.written();
  return exitCode;
}
