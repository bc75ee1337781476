// The command `status`: how old the newest backup of each cluster is, in Atlas and in the download folder, and what is wrong.
import { ageHoursOf, type BackupLook, type ClusterInProject, lookForBackups, STALE_HOURS } from "../atlas/backups.ts";
import type { ReadableProject } from "../atlas/look.ts";
import { withOrdersChecked } from "../config/simulator.ts";
import type { Config, Options } from "../config/types.ts";
import { isClusterName } from "../core/atlas-id.ts";
import { type ErrorEnvelope, Failure } from "../core/errors.ts";
import { createRedactor } from "../core/redact.ts";
import { clean, nearest, quoted } from "../core/text.ts";
import { agoOf, systemClock, whenOf } from "../core/time.ts";
import { type SavedFile, SIMULATED_PREFIX } from "../download/contract.ts";
import { type Clusters, readClusters } from "../server/find-target.ts";
import { createRuntime, type Runtime } from "../server/runtime.ts";
import { adviceOn, type Configured, describeFailure } from "./check/step.ts";
import {
  createCommandLog,
  Interruption,
  indented,
  interruption,
  type Look,
  lookOf,
  markOf,
  refuseUnusable,
  written,
} from "./terminal.ts";

/** Hundreds of projects with a request for each cluster take minutes. */
const LIMIT_MS = 600_000;
const HOURS: Readonly<Record<string, number>> = { m: 1 / 60, h: 1, d: 24 };
const HOUR_MS = 3_600_000;

interface Order {
  maxAgeHours: number;
  /** Absent: files may be of any age or missing. */
  maxSavedAgeHours?: number;
  /** Absent: every cluster. */
  only?: readonly string[];
  ignored: readonly string[];
}

/** One line of the table. */
interface Row {
  name: string;
  project: ReadableProject;
  newestBackup?: { snapshotId: string; finishTime?: string | undefined };
  newestFile?: SavedFile;
  /** Sentences; empty if all is well. */
  wrong: string[];
}

interface Overview {
  rows: Row[];
  /** What could not be read, in sentences. */
  unread: string[];
  folder: string;
}

/** Resolves to the exit code: 0 if every backup is recent enough, otherwise 1; 2 for wrong usage. */
export async function status(input: Configured & { version: string }): Promise<number> {
  const { stdout, stderr } = process;
  const { options, env, version } = input;
  const order = readOrder(options);
  if (typeof order === "string") {
    await written(stderr, `${order} See --help.\n`);
    return 2;
  }
  for (const stream of [stdout, stderr]) stream.on("error", () => undefined);
  const config = await withOrdersChecked(input.config);
  const redactor = createRedactor(config.secrets);
  const log = createCommandLog(input, redactor, stderr);
  const { signal } = interruption();
  const look = lookOf(stdout, env);
  for (const warning of config.warnings) stderr.write(`! ${warning}\n`);
  const asJson = options.json === true;

  let runtime: Runtime | undefined;
  let answer: string;
  let exitCode = 1;
  try {
    refuseUnusable(config);
    runtime = await createRuntime(
      { ...config, readOnly: true },
      { clock: systemClock, redactor, log, version, tools: [] },
    );
    const overview = await lookAround(order, config, runtime, signal);
    const isWell = overview.unread.length === 0 && overview.rows.every(({ wrong }) => wrong.length === 0);
    exitCode = isWell ? 0 : 1;
    answer = asJson ? jsonOf(overview, order, isWell) : tableOf(overview, look);
  } catch (error) {
    if (signal.reason instanceof Interruption) {
      exitCode = signal.reason.exitCode;
      answer = "";
    } else {
      if (!(error instanceof Failure)) throw error;
      answer = asJson ? failureJson(error.envelope) : failureText(error, look);
    }
  } finally {
    await runtime?.close();
  }
  await written(stdout, redactor.scrub(answer));
  await log.written();
  return exitCode;
}

/** The order, or what is wrong with it. */
function readOrder(options: Options): Order | string {
  const maxAgeHours = hoursOf(options["max-age"]);
  const maxSavedAgeHours = hoursOf(options["max-saved-age"]);
  if (maxAgeHours === null || maxSavedAgeHours === null)
    return `--max-${maxAgeHours === null ? "age" : "saved-age"} must be a time such as 26h, 2d or 90m.`;
  const only = namesIn(options.cluster);
  const ignored = namesIn(options.ignore);
  if (!only || !ignored) return "--cluster and --ignore take names of clusters: letters, digits and hyphens.";
  return {
    maxAgeHours: maxAgeHours ?? STALE_HOURS,
    ...(maxSavedAgeHours !== undefined && { maxSavedAgeHours }),
    ...(only.length > 0 && { only }),
    ignored,
  };
}

/** Undefined if it is not given, null if it cannot be read. */
function hoursOf(text: Options[string]): number | undefined | null {
  if (text === undefined) return undefined;
  const [, digits, unit = ""] = /^(\d{1,4}(?:\.\d{1,2})?)\s*([mhd])$/.exec(String(text).trim()) ?? [];
  const hours = Number(digits) * (HOURS[unit] ?? Number.NaN);
  return hours > 0 ? hours : null;
}

function namesIn(text: Options[string]): string[] | undefined {
  const names = typeof text === "string" ? text.split(",").map((name) => name.trim()) : [];
  return names.every(isClusterName) ? names : undefined;
}

async function lookAround(
  order: Order,
  config: Config,
  { atlas, store }: Runtime,
  signal: AbortSignal,
): Promise<Overview> {
  const limits = { deadline: systemClock.now() + LIMIT_MS, signal };
  const clusters = await readClusters(undefined, { ...config, atlas }, limits);
  const [first] = clusters.unread;
  if (first && clusters.read.length === 0) throw first.failure;
  const all = clusters.read.flatMap(({ project, clusters: some }) =>
    some.map((cluster) => ({ project, groupId: project.id, cluster })),
  );
  const wanted = all.filter(
    ({ cluster: { name = "" } }) => order.only?.includes(name) ?? !order.ignored.includes(name),
  );
  const { maxAgeHours } = order;
  const [looks, saved] = await Promise.all([
    lookForBackups(atlas, wanted, { ...limits, clock: systemClock, maxAgeHours }),
    savedFiles(config, store, signal),
  ]);
  const rows = looks.map((look) => rowOf(look, "files" in saved ? saved.files : [], order));
  return {
    rows,
    unread: [...missing(order, all, clusters), ...("failure" in saved ? [saved.failure] : [])],
    folder: config.downloadDir,
  };
}

/** What a monitor must not pass over in silence. */
function missing({ only = [] }: Order, all: readonly ClusterInProject[], { unread, limitedBy }: Clusters): string[] {
  const names = all.flatMap(({ cluster }) => cluster.name ?? []);
  const unknown = only.filter((name) => !names.includes(name));
  const scope = limitedBy ? ` in the projects that ${limitedBy} names` : "";
  return [
    ...unread.map(
      ({ project: { id, name }, failure }) =>
        `The project ${name ? quoted(name) : id} could not be read. ${describeFailure(failure)}`,
    ),
    ...unknown.map((name) => {
      const meant = nearest(name, names.filter(isClusterName));
      return `There is no Flex cluster named ${name}${scope}.${meant ? ` Did you mean ${meant}?` : ""}`;
    }),
    ...(all.length === 0 && only.length === 0 && unread.length === 0 ? [`There is no Flex cluster${scope}.`] : []),
  ];
}

async function savedFiles({ simulate }: Config, store: Runtime["store"], signal: AbortSignal) {
  try {
    const files = await store.saved(signal);
    return { files: files.filter(({ fileName }) => fileName.startsWith(SIMULATED_PREFIX) === simulate) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { failure: `The download folder could not be read. ${describeFailure(error)}` };
  }
}

type LookedCluster = BackupLook & ClusterInProject & { project: ReadableProject };

function rowOf({ project, cluster, newest, attention }: LookedCluster, files: readonly SavedFile[], order: Order): Row {
  const { name = "", id } = cluster;
  const [latest, ...older] = files
    .filter(({ identity, facts }) => {
      const isOther = id !== undefined && facts?.clusterId !== undefined && facts.clusterId !== id;
      return identity?.groupId === project.id && identity.name === name && !isOther;
    })
    .sort((one, other) => finishOf(other) - finishOf(one));
  const newestFile = [latest, ...older].find((file) => file?.sound);
  return {
    name,
    project,
    ...(newest && { newestBackup: { snapshotId: newest.id, finishTime: newest.finishTime } }),
    ...(newestFile && { newestFile }),
    wrong: [
      ...(attention === undefined ? [] : [attention]),
      ...(latest && !latest.sound ? [`The archive in ${latest.fileName} is incomplete: do not restore from it.`] : []),
      ...remarksOnFile(newestFile, newest !== undefined, order),
    ],
  };
}

const finishOf = ({ facts, savedAt }: SavedFile) => Date.parse(facts?.finishTime ?? savedAt ?? "") || 0;

/** A cluster without a backup in Atlas owes no file. */
function remarksOnFile(file: SavedFile | undefined, hasBackup: boolean, { maxSavedAgeHours }: Order): string[] {
  if (maxSavedAgeHours === undefined || (!file && !hasBackup)) return [];
  if (!file) return ["No file of it is saved here."];
  const hours = (systemClock.now() - finishOf(file)) / HOUR_MS;
  return hours <= maxSavedAgeHours ? [] : ["Its newest file here is too old."];
}

const TITLES = ["CLUSTER", "PROJECT", "NEWEST BACKUP IN ATLAS", "NEWEST FILE HERE"];

function tableOf({ rows, unread, folder }: Overview, look: Look): string {
  const now = systemClock.now();
  const cells = rows.map(({ name, project, newestBackup, newestFile }) => [
    isClusterName(name) ? name : quoted(name),
    clean(project.name ?? project.id),
    whenOf(newestBackup?.finishTime, now) ?? (newestBackup ? "of unknown age" : "none yet"),
    agoOf(newestFile?.facts?.finishTime, now) ?? (newestFile ? "of unknown age" : "none"),
  ]);
  const widths = TITLES.map((title, index) => Math.max(title.length, ...cells.map((row) => row[index]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  const bad = rows.filter(({ wrong }) => wrong.length > 0).length;
  return [
    ...(rows.length > 0 ? [`  ${line(TITLES)}`] : []),
    ...rows.flatMap(({ wrong }, index) => [
      `${markOf(wrong.length > 0 ? "failed" : "ok", look)} ${line(cells[index] ?? [])}`,
      ...wrong.map((sentence) => indented(sentence, 4, look.columns)),
    ]),
    ...unread.map((sentence) => `${markOf("failed", look)} ${indented(sentence, 2, look.columns).trimStart()}`),
    "",
    summaryOf(rows.length, bad, unread.length),
    `Files are in ${folder}`,
    "",
  ].join("\n");
}

function summaryOf(all: number, bad: number, unread: number): string {
  if (bad + unread === 0) return all === 1 ? "The cluster is well." : `All ${all} clusters are well.`;
  const doubt = unread > 0 ? " Not everything could be read." : "";
  if (bad === 0) return doubt.trim();
  return `${bad} of ${all === 1 ? "1 cluster needs" : `${all} clusters ${bad === 1 ? "needs" : "need"}`} attention.${doubt}`;
}

function jsonOf({ rows, unread, folder }: Overview, { maxAgeHours, maxSavedAgeHours }: Order, ok: boolean): string {
  const now = systemClock.now();
  const moment = (finishTime: string | undefined) => ({
    finishTime,
    when: whenOf(finishTime, now),
    ageHours: ageHoursOf({ finishTime }, now),
  });
  const clusters = rows.map(({ name, project, newestBackup, newestFile, wrong }) => ({
    ok: wrong.length === 0,
    name: clean(name),
    projectName: project.name,
    groupId: project.id,
    newestBackup: newestBackup && { snapshotId: newestBackup.snapshotId, ...moment(newestBackup.finishTime) },
    newestFile: newestFile && {
      fileName: newestFile.fileName,
      path: newestFile.path,
      bytes: newestFile.bytes,
      snapshotId: newestFile.identity?.snapshotId,
      ...moment(newestFile.facts?.finishTime),
    },
    wrong,
  }));
  return `${JSON.stringify({ ok, maxAgeHours, maxSavedAgeHours, folder, clusters, unread }, null, 2)}\n`;
}

function failureText(failure: Failure, look: Look): string {
  const lines = [describeFailure(failure), ...adviceOn(failure).split("\n")];
  return `${markOf("failed", look)} ${lines
    .map((line) => indented(line, 2, look.columns))
    .join("\n")
    .trimStart()}\n`;
}

function failureJson(error: ErrorEnvelope): string {
  return `${JSON.stringify({ ok: false, clusters: [], unread: [], error }, null, 2)}\n`;
}
