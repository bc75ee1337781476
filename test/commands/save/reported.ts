import { onTestFinished } from "vitest";
import { openAtlas } from "../../../src/atlas/access.ts";
import { createReport } from "../../../src/commands/save/report.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { Failure } from "../../../src/core/errors.ts";
import { createRedactor } from "../../../src/core/redact.ts";
import { systemClock } from "../../../src/core/time.ts";
import type { SaveReport, SnapshotIdentity } from "../../../src/download/contract.ts";
import type { SnapshotStoreOptions } from "../../../src/download/store.ts";
import { createSnapshotSource } from "../../../src/server/snapshot-source.ts";
import { openStore, patiently } from "../../download/fixtures.ts";
import { temporaryFolder } from "../../fixtures.ts";

/** Looks the cluster up, saves the snapshot and reports; what a hostile Atlas makes impossible is left out. */
export async function reported(
  env: Record<string, string>,
  identity: SnapshotIdentity,
  options: Partial<SnapshotStoreOptions> = {},
) {
  const config = parseConfig({ options: {}, env, toolNames: [] });
  const clock = systemClock;
  const redactor = createRedactor(config.secrets);
  const { onExchange, onFileExchange, describe } = createReport({
    clock,
    version: "1.2.3",
    redactor,
    isSimulated: true,
  });
  const { atlas, close, signOut } = await openAtlas(config, { clock, redactor, version: "1.2.3", onExchange });
  onTestFinished(close);
  const folder = await temporaryFolder();
  const source = createSnapshotSource({ atlas, clock });
  const store = openStore(folder, { source, onLink: redactor.addLink, onExchange: onFileExchange, ...options });
  const call = { deadline: clock.now() + 20_000, signal: new AbortController().signal };
  const lookUp = async () => {
    for await (const _ of atlas.projects(call)) break;
    for await (const _ of atlas.flexClusters(identity.groupId, call)) break;
    for await (const _ of atlas.snapshots(identity, call)) break;
  };
  await orError(lookUp());
  const saved = await orError(store.save({ ...identity, projectName: "Acme Payments" }, patiently<SaveReport>()));
  await orError(signOut());
  const outcome = saved.error
    ? { identity, error: saved.error }
    : { identity, ...(saved.value && { report: saved.value }) };
  return { text: await describe([outcome]), saved, folder, describe, outcome };
}

async function orError<T>(work: Promise<T>) {
  try {
    return { value: await work };
  } catch (error) {
    if (error instanceof Failure) return { error: error.envelope };
    throw error;
  }
}

/** The entries of a section. */
export function section(text: string, title: string): string {
  const [, body = ""] = new RegExp(`\\n## ${title}\\n\\n(.*?)(?=\\n## |$)`, "s").exec(text) ?? [];
  return body;
}
