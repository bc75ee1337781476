// The command `save`: finds the clusters, saves a backup of each, and says how each save ended.
import { checkAllowed, labelsOf, type ReadableProject } from "../../atlas/look.ts";
import { withOrdersChecked } from "../../config/simulator.ts";
import type { Config } from "../../config/types.ts";
import { isClusterName } from "../../core/atlas-id.ts";
import { concurrently } from "../../core/concurrency.ts";
import { Failure, hasCode, ownFailure } from "../../core/errors.ts";
import { createRedactor } from "../../core/redact.ts";
import { quoted } from "../../core/text.ts";
import { systemClock } from "../../core/time.ts";
import type { SnapshotStore } from "../../download/contract.ts";
import { type Clusters, type Found, onlyCluster, readClusters } from "../../server/find-target.ts";
import { createRuntime, type Runtime } from "../../server/runtime.ts";
import type { Configured } from "../terminal.ts";
import { createCommandLog, Interruption, interruption, lookOf, refuseUnusable, written } from "../terminal.ts";
import { createDisplay, type Display } from "./display.ts";
import { readOrder, type SaveOrder } from "./order.ts";
import { EXIT_TRY_AGAIN, envelopeOf, exitCodeOf, type Outcome, outcomeEntry, outcomeText } from "./outcome.ts";
import { createReportFile, obstacleAt } from "./report-file.ts";
import { PATIENCE, saveCluster } from "./save-cluster.ts";

/** Reading hundreds of projects takes a while. */
const LOOKUP_LIMIT_MS = 120_000;
/** The store transfers two at once; a third is prepared meanwhile. */
const AT_ONCE = 3;

/** Wrong usage. It is found before anything is saved. */
const EXIT_USAGE = 2;
const WRONG_NAMES = ["CLUSTER_UNKNOWN", "SEVERAL_CLUSTERS"];

interface Run {
  order: SaveOrder;
  config: Config;
  runtime: Runtime;
  display: Display;
  signal: AbortSignal;
  add: (outcome: Outcome) => void;
}

/** Resolves to the exit code. */
export async function save(input: Configured & { version: string; clusters: readonly string[] }): Promise<number> {
  const { stdout, stderr } = process;
  const { options, env, version, clusters } = input;
  // A reader that has gone must not end a save. Results that a full disk loses make it fail.
  let areResultsLost = false;
  stdout.on("error", (error) => {
    if (!hasCode(error, "EPIPE")) areResultsLost = true;
  });
  stderr.on("error", () => undefined);
  const order = readOrder(options, clusters);
  const usageError = "usageError" in order ? order.usageError : order.reportFile && obstacleAt(order.reportFile);
  if ("usageError" in order || usageError) {
    await written(stderr, `${usageError}\n`);
    return EXIT_USAGE;
  }
  const config = await withOrdersChecked(input.config);
  const redactor = createRedactor(config.secrets);
  const { now } = systemClock;
  const display = createDisplay(stderr, lookOf(stderr, env), now);
  const log = createCommandLog(input, redactor, display.stderr);
  const { signal } = interruption();
  const outcomes: Outcome[] = [];
  const add = (outcome: Outcome) => {
    outcomes.push(outcome);
    // What a save that was stopped has on the disk is known when all has ended.
    if (outcome.isStopped) return;
    const isSaved = outcome.report?.state === "complete";
    const stream = isSaved ? stdout : stderr;
    if (isSaved && order.asJson) return;
    const text = outcomeText(outcome, lookOf(stream, env), now(), config.downloadDir);
    display.print(stream, redactor.scrub(text));
  };
  for (const warning of config.warnings) stderr.write(`! ${redactor.scrub(warning)}\n`);

  const reportOptions = { clock: systemClock, version, redactor, isSimulated: config.simulate, log };
  const report = order.reportFile === undefined ? undefined : createReportFile(order.reportFile, reportOptions);
  let runtime: Runtime | undefined;
  let exitCode = 1;
  try {
    refuseUnusable(config);
    if (config.readOnly) throw readOnly();
    runtime = await createRuntime(config, {
      clock: systemClock,
      redactor,
      log,
      version,
      tools: ["stop_saving_snapshot"],
      ...report,
    });
    exitCode = await saveAll({ order, config, runtime, display, signal, add });
  } catch (error) {
    if (signal.aborted) exitCode = signal.reason instanceof Interruption ? signal.reason.exitCode : 1;
    else if (error instanceof Failure) {
      const failure = error.envelope;
      display.print(stderr, redactor.scrub(outcomeText({ failure }, lookOf(stderr, env), now(), config.downloadDir)));
      outcomes.push(...(order.names.length > 0 ? order.names.map((name) => ({ name, failure })) : [{ failure }]));
      exitCode = exitCodeOf({ failure });
    } else log.error({ error }, "The save itself failed");
  }
  await runtime?.close();
  if (report && exitCode !== EXIT_USAGE && !(await report.write(outcomes, stderr)) && exitCode === 0) exitCode = 1;
  if (signal.aborted) {
    const stopped = outcomes.filter(({ isStopped }) => isStopped);
    if (runtime) await findKept(stopped, runtime.store);
    const texts = stopped.map((outcome) => outcomeText(outcome, lookOf(stderr, env), now()));
    stderr.write(stopped.length > 0 ? texts.join("") : "Stopped.\n");
  }
  const entries = outcomes.map((outcome) => outcomeEntry(outcome, now()));
  if (order.asJson) await written(stdout, `${redactor.scrub(JSON.stringify(entries, null, 2))}\n`);
  await log.written();
  await Promise.all([written(stdout, ""), written(stderr, "")]);
  return areResultsLost && exitCode === 0 ? 1 : exitCode;
}

function readOnly(): Failure {
  const detail = "ATLAS_FLEX_READ_ONLY or --read-only is on, and a save writes a file.";
  return ownFailure("CONFIGURATION_INVALID", { detail, hint: "Turn it off for this command." });
}

async function saveAll(run: Run): Promise<number> {
  const { order, config, runtime, display, signal, add } = run;
  const { atlas } = runtime;
  if (order.projectId !== undefined) checkAllowed(order.projectId, config.allowedProjects);
  const limits = { deadline: systemClock.now() + LOOKUP_LIMIT_MS, signal };
  display.tell("Atlas", "looking for the clusters");
  const clusters = await readClusters(order.projectId, { ...config, atlas }, limits).finally(() =>
    display.remove("Atlas"),
  );
  const { found, failed } = order.names.length > 0 ? named(order.names, clusters) : every(clusters);
  for (const outcome of failed) add(outcome);
  if (failed.some(({ failure }) => WRONG_NAMES.includes(failure?.errorCode ?? ""))) {
    if (found.length > 0) process.stderr.write("Nothing was saved.\n");
    return EXIT_USAGE;
  }
  const label = labelsOf(found);
  const tools = { ...config, ...runtime, clock: systemClock, display, signal, patience: PATIENCE };
  const saved = await concurrently(found, AT_ONCE, async (each) => {
    const outcome = await saveCluster(each, label(each), order, tools);
    add(outcome);
    return outcome;
  });
  signal.throwIfAborted();
  const codes = [...failed, ...saved].map(exitCodeOf);
  return codes.includes(1) ? 1 : codes.includes(EXIT_TRY_AGAIN) ? EXIT_TRY_AGAIN : 0;
}

/** The clusters to save, and what is known already not to be saved. */
interface Choice {
  found: Found[];
  failed: Outcome[];
}

function named(names: readonly string[], clusters: Clusters): Choice {
  const choice: Choice = { found: [], failed: [] };
  for (const name of names) {
    try {
      choice.found.push(onlyCluster(name, clusters));
    } catch (error) {
      choice.failed.push({ label: name, name, failure: envelopeOf(error) });
    }
  }
  return choice;
}

function every({ read, unread, limitedBy }: Clusters): Choice {
  const all = read.flatMap(({ project, clusters }) => clusters.map((cluster) => ({ project, cluster })));
  const found = all.flatMap(({ project, cluster }) => {
    const { name = "" } = cluster;
    return isClusterName(name) ? [{ project, name, cluster }] : [];
  });
  const unusual = all.filter(({ cluster: { name = "" } }) => !isClusterName(name));
  const failed = [
    ...unread.map(({ project, failure }) => ({ label: `Project ${titleOf(project)}`, failure: failure.envelope })),
    ...unusual.map(({ project, cluster: { name = "" } }) => ({
      label: `The cluster ${quoted(name)} in ${titleOf(project)}`,
      failure: ownFailure("INVALID_INPUT", { detail: UNUSUAL, hint: "Look at the cluster in Atlas." }).envelope,
    })),
  ];
  if (found.length + failed.length === 0) throw noCluster(limitedBy);
  return { found, failed };
}

const UNUSUAL = "Its name does not have the form of a cluster's name, so its backups cannot be asked for.";

const titleOf = ({ id, name }: ReadableProject) => (name ? quoted(name) : id);

function noCluster(limitedBy: string | undefined): Failure {
  const scope = limitedBy ? ` in the projects that ${limitedBy} names` : " in any project that the credentials reach";
  return ownFailure("CLUSTER_UNKNOWN", { detail: `There is no Flex cluster${scope}.` });
}

/** Adds what is on the disk of the saves that were stopped; nothing where the folder cannot be read. */
async function findKept(stopped: readonly Outcome[], store: SnapshotStore): Promise<void> {
  try {
    const { transfers } = await store.list(new AbortController().signal);
    for (const outcome of stopped) {
      const part = transfers.find(({ identity }) => identity.snapshotId === outcome.target?.snapshotId);
      if (part && part.bytes > 0) outcome.report = { ...part, state: "paused" };
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}
