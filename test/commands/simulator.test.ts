import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { BUILT } from "../fixtures.ts";

/** The lines that the built command prints while it believes to run on the platform. */
async function printedOn(platform: NodeJS.Platform): Promise<string[]> {
  const pretend = `Object.defineProperty(process, "platform", { value: "${platform}" });`;
  const args = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`, BUILT, "simulator"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill();
  });
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) if (lines.push(line) === 4) break;
  return lines;
}

test.each([
  ["linux", "export ", "=", ""],
  ["darwin", "export ", "=", ""],
  ["win32", "$env:", " = ", "'"],
] as const)("on %s the simulator prints its settings as its shell takes them: %s", async (platform, set, is, quote) => {
  const [first = "", ...settings] = await printedOn(platform);
  const [, baseUrl = ""] = /^# The simulated Atlas listens at (http:\/\/127\.0\.0\.1:\d+) until /.exec(first) ?? [];
  const { clientId, clientSecret } = SIMULATED;
  expect(settings).toEqual(
    [
      ["MONGODB_ATLAS_BASE_URL", baseUrl],
      ["MONGODB_ATLAS_CLIENT_ID", clientId],
      ["MONGODB_ATLAS_CLIENT_SECRET", clientSecret],
    ].map(([name, value]) => `${set}${name}${is}${quote}${value}${quote}`),
  );
  expect(`${baseUrl}${clientId}${clientSecret}`, "which no shell reads as more").toMatch(/^[\w:/.-]+$/);
});
