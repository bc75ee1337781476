import { createAttempt, shown } from "./attempt.ts";
import { caCertificates } from "./ca-certificates.ts";
import { downloadFolder, freeSpace } from "./download-folder.ts";
import { nodeVersion } from "./node-version.ts";
import { atlasAddress, settings } from "./settings.ts";
import { downloadRole } from "./snapshots.ts";
import type { CheckInput, Step, StepResult } from "./step.ts";
import { stepsWithAtlas } from "./steps-with-atlas.ts";
import { registered, savesSnapshots } from "./tools.ts";

/** With what is local, below the minute that people and scripts give a check; each attempt has a limit of its own. */
const ATLAS_LIMIT_MS = 45_000;
/** A file system that does not answer for so long is away. */
const LOCAL_LIMIT_MS = 3_000;

/**
 * Tries the configuration step by step and yields each result as it comes. Creates no job and writes no file. Rejects only
 * with the signal's reason.
 */
export async function* runCheck(input: CheckInput): AsyncGenerator<Step> {
  const { config, env, clock, log, signal } = input;
  const here = createAttempt({ clock, deadline: Number.POSITIVE_INFINITY, signal, log });
  const local = async (work: () => Promise<StepResult>) => shown(await here(LOCAL_LIMIT_MS, work), (result) => result);

  yield { id: "node", title: "Node.js", ...nodeVersion() };
  yield { id: "settings", title: "Settings", ...settings(config, input) };
  yield { id: "atlas-address", title: "Atlas address", ...atlasAddress(config, input) };
  yield { id: "ca-certificates", title: "CA certificates", ...(await local(() => caCertificates(env))) };
  yield* stepsWithAtlas(input, createAttempt({ clock, deadline: clock.now() + ATLAS_LIMIT_MS, signal, log }));
  yield { id: "download-role", title: "Download role", ...downloadRole(savesSnapshots(config)) };
  yield { id: "download-folder", title: "Download folder", ...(await local(() => downloadFolder(config, input))) };
  yield { id: "free-space", title: "Free space", ...(await local(() => freeSpace(config))) };
  yield { id: "tools", title: "Tools", ...registered(config, input) };
}
