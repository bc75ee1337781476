import { expect } from "vitest";
import * as z from "zod";
import { atlasOfClusters, type TestCluster, type TestProject } from "../../tools/atlas-of-clusters.ts";
import { runCommand } from "../command.ts";

const MOMENT = {
  finishTime: z.iso.datetime().optional(),
  when: z.string().optional(),
  ageHours: z.number().optional(),
};

const NewestBackup = z.strictObject({ snapshotId: z.string(), ...MOMENT });
const NewestFile = z.strictObject({
  fileName: z.string(),
  path: z.string(),
  bytes: z.int(),
  snapshotId: z.string(),
  ...MOMENT,
});
const Cluster = z.strictObject({
  ok: z.boolean(),
  name: z.string(),
  projectName: z.string().optional(),
  groupId: z.string(),
  newestBackup: NewestBackup.optional(),
  newestFile: NewestFile.optional(),
  wrong: z.array(z.string().min(1)),
});
const Overview = z.strictObject({
  ok: z.boolean(),
  maxAgeHours: z.number(),
  maxSavedAgeHours: z.number().optional(),
  folder: z.string(),
  clusters: z.array(Cluster),
  wrong: z.array(z.string().min(1)),
});
const Failed = z.strictObject({
  ok: z.literal(false),
  clusters: z.tuple([]),
  wrong: z.tuple([z.string().min(1)]),
  error: z.looseObject({ errorCode: z.string(), source: z.string(), retryable: z.boolean(), hint: z.string() }),
});
/** Every field that `status --json` may have. */
export const Report = Overview.extend({ error: Failed.shape.error });

interface Start {
  args?: string[];
  env?: Record<string, string>;
  home?: string;
}

/** Runs `status`, as text. */
export const shown = ({ args = [], ...start }: Start) => runCommand({ args: ["status", ...args], ...start });

/** Runs `status --json`, and expects that `ok`, the exit code and the sentences agree. */
export async function looked({ args = [], ...start }: Start) {
  const { code, stdout, ...run } = await shown({ args: ["--json", ...args], ...start });
  const report = Overview.parse(JSON.parse(stdout));
  for (const { ok, wrong } of report.clusters) expect(ok).toBe(wrong.length === 0);
  expect(report.ok).toBe(report.wrong.length === 0 && report.clusters.every(({ ok }) => ok));
  expect(code).toBe(report.ok ? 0 : 1);
  const sentences = [...report.clusters.flatMap(({ wrong }) => wrong), ...report.wrong];
  return { code, ...run, ...report, names: report.clusters.map(({ name }) => name), sentences };
}

/** Runs `status --json` where nothing can be looked at. */
export async function refused({ args = [], ...start }: Start) {
  const { code, stdout, ...run } = await shown({ args: ["--json", ...args], ...start });
  return { code, ...run, ...Failed.parse(JSON.parse(stdout)) };
}

/** Runs `status --json` in a world of these projects. */
export async function lookedAt(projects: TestProject[], { env, ...start }: Start = {}) {
  const atlas = await atlasOfClusters(projects);
  return { ...(await looked({ env: { ...atlas.env, ...env }, ...start })), seen: atlas.seen };
}

/** One project, named Shop. */
export const shop = (...clusters: TestCluster[]): TestProject[] => [{ name: "Shop", clusters }];
