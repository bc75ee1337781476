import { expect } from "vitest";
import * as z from "zod";
import type { Simulator } from "../../../src/simulator/simulator.ts";
import { SERVICE_ACCOUNT } from "../../fixtures.ts";
import { startCommand } from "../command.ts";

/** The documented form of `check --json`; an additional field fails the test. */
const Report = z.strictObject({
  ok: z.boolean(),
  version: z.string(),
  steps: z.array(
    z.strictObject({
      id: z.string(),
      state: z.enum(["ok", "warning", "failed", "skipped"]),
      title: z.string(),
      found: z.string().min(1),
      whatToDo: z.string().optional(),
      errorCode: z.string().optional(),
    }),
  ),
});

type Env = Record<string, string>;

/** Starts the built command in a child process, with little more than the given environment; expects no secret in its output. */
export async function startCheck({ args = [], env = {} }: { args?: string[]; env?: Env }) {
  return startCommand({ args: ["check", ...args], env });
}

/** Runs `check --json`, and expects that `ok`, the exit code and the steps agree. */
export async function checked({ args = [], env = {} }: { args?: string[]; env?: Env }) {
  const { home, ended } = await startCheck({ args: ["--json", ...args], env });
  const { code, stdout, stderr } = await ended;
  const report = Report.parse(JSON.parse(stdout));
  const failed = report.steps.filter(({ state }) => state === "failed").map(({ id }) => id);
  expect(report.ok).toBe(failed.length === 0);
  expect(code).toBe(report.ok ? 0 : 1);
  return {
    code,
    home,
    stdout,
    stderr,
    failed,
    ids: report.steps.map(({ id }) => id),
    step: (id: string) => report.steps.find((step) => step.id === id),
  };
}

/** Runs `check --json` against a simulator, with a service account unless other credentials are given. */
export function checkedAgainst({ baseUrl }: Pick<Simulator, "baseUrl">, env: Env = SERVICE_ACCOUNT) {
  return checked({ env: { MONGODB_ATLAS_BASE_URL: baseUrl, ...env } });
}
