import packageJson from "../../package.json" with { type: "json" };
import { failed, ok, type StepResult } from "./step.ts";

/** Judges the version of Node.js by what the package asks for. */
export function nodeVersion(running = process.versions.node, wanted = packageJson.engines.node): StepResult {
  const minimum = wanted.replace(/^>=\s*/, "");
  if (atLeast(running, minimum)) return ok(running);
  return failed(`${running} is too old`, `Install Node.js ${minimum} or newer; the current LTS version is best.`);
}

function atLeast(running: string, minimum: string): boolean {
  const have = running.split(".").map(Number);
  for (const [index, need] of minimum.split(".").map(Number).entries()) {
    const part = have[index] ?? 0;
    if (part !== need) return part > need;
  }
  return true;
}
