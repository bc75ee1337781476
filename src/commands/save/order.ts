// What the words and options after `save` ask for.
import { resolve } from "node:path";
import { shownOr } from "../../config/setting-text.ts";
import type { Options } from "../../config/types.ts";
import { isAtlasId, isClusterName } from "../../core/atlas-id.ts";
import { quoted } from "../../core/text.ts";

export interface SaveOrder {
  /** The names of clusters, each once; empty when all are meant. */
  names: readonly string[];
  projectId?: string;
  snapshotId?: string;
  /** How many backups of each cluster stay; absent when nothing is to be deleted. */
  keep?: number;
  keepUnprotected: boolean;
  /** Absolute. */
  reportFile?: string;
  asJson: boolean;
}

/** Why the order cannot be understood, in one sentence. */
export interface UsageError {
  usageError: string;
}

export function readOrder(options: Options, clusters: readonly string[]): SaveOrder | UsageError {
  const wrong = mistakeIn(options, clusters);
  if (wrong !== undefined) return { usageError: `${wrong} See --help.` };
  const { project, snapshot, keep, report } = options;
  return {
    names: [...new Set(clusters)],
    ...(typeof project === "string" && { projectId: project }),
    ...(typeof snapshot === "string" && { snapshotId: snapshot }),
    ...(typeof keep === "string" && { keep: Number(keep) }),
    keepUnprotected: options["keep-unprotected"] === true,
    ...(typeof report === "string" && { reportFile: resolve(report) }),
    asJson: options.json === true,
  };
}

function mistakeIn(options: Options, clusters: readonly string[]): string | undefined {
  const { all, project, snapshot, keep } = options;
  if (all && clusters.length > 0) return "Name clusters or give --all, not both.";
  if (!all && clusters.length === 0) return "Name at least one cluster, or give --all.";
  const unusual = clusters.find((name) => !isClusterName(name));
  if (unusual?.includes(",")) return "Separate the names of clusters with blanks, not with commas.";
  if (unusual !== undefined)
    return `${shownOr("One of the names", unusual, quoted)} is not the name of a cluster: letters, digits and hyphens.`;
  for (const [name, id] of Object.entries({ project, snapshot }))
    if (typeof id === "string" && !isAtlasId(id)) return `--${name} must be an id of 24 characters, 0 to 9 and a to f.`;
  if (snapshot && new Set(clusters).size !== 1) return "--snapshot belongs to one cluster: name that one.";
  if (typeof keep === "string" && !/^[1-9]\d{0,5}$/.test(keep)) return "--keep must be a whole number, at least 1.";
  if (options["keep-unprotected"] && keep === undefined) return "--keep-unprotected belongs to --keep.";
  return undefined;
}
