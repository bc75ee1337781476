import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect } from "vitest";
import * as z from "zod";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import type { Simulator } from "../../../src/simulator/simulator.ts";
import { BUILT, SERVICE_ACCOUNT, temporaryFolder } from "../../fixtures.ts";

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

const SECRET = /SECRET|PRIVATE|ACCESS_TOKEN/;

type Env = Record<string, string>;

/** Starts the built command in a child process, with little more than the given environment; expects no secret in its output. */
export async function startCheck({ args = [], env = {} }: { args?: string[]; env?: Env }) {
  const home = await temporaryFolder();
  const child = spawn(process.execPath, [BUILT, "check", ...args], {
    env: { PATH: process.env.PATH ?? "", HOME: home, ATLAS_FLEX_DOWNLOAD_DIR: join(home, "snapshots"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  const ended = once(child, "close").then(([code]) => {
    const secrets = Object.entries(env).flatMap(([name, value]) => (SECRET.test(name) ? [value] : []));
    const { clientSecret, privateKey, accessToken } = SIMULATED;
    for (const secret of [...secrets, clientSecret, privateKey, accessToken, "canary"])
      expect(stdout + stderr).not.toContain(secret);
    return { code, stdout, stderr };
  });
  return { child, home, ended };
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
