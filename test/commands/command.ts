import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { BUILT, SERVICE_ACCOUNT, temporaryFolder } from "../fixtures.ts";

type Env = Record<string, string>;

/** Variables that point a command at the simulator. */
export const at = ({ baseUrl }: Pick<Simulator, "baseUrl">): Env => ({
  MONGODB_ATLAS_BASE_URL: baseUrl,
  ...SERVICE_ACCOUNT,
});

/** The path of a secret is no secret. */
const SECRET = /(?:SECRET|PRIVATE_API_KEY|PRIVATE_KEY|ACCESS_TOKEN)$/;

/**
 * Starts a built command in a child process, with little more than the given environment. The download folder is in `home`. Expects
 * no secret and no signed link in its output.
 */
export async function startCommand(start: { args: string[]; env?: Env; home?: string; cwd?: string }) {
  const { args, env = {}, home = await temporaryFolder(), cwd } = start;
  const folder = join(home, "snapshots");
  const child = spawn(process.execPath, [BUILT, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? "", HOME: home, ATLAS_FLEX_DOWNLOAD_DIR: folder, ...env },
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
  const ended = once(child, "close").then(([code, signal]) => {
    const secrets = Object.entries(env).flatMap(([name, value]) => (SECRET.test(name) ? [value] : []));
    const { clientSecret, privateKey, accessToken } = SIMULATED;
    for (const secret of [...secrets, clientSecret, privateKey, accessToken, "canary", "X-Amz-Signature="])
      expect(stdout + stderr).not.toContain(secret);
    return { code: Number(code ?? -1), signal: String(signal ?? ""), stdout, stderr };
  });
  return { child, home, folder, stderr: () => stderr, ended };
}

/** Runs a built command to its end. */
export async function runCommand(start: Parameters<typeof startCommand>[0]) {
  const { ended, home, folder } = await startCommand(start);
  return { ...(await ended), home, folder };
}
