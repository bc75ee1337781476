// What the command line of `status` asks for: which clusters, and how old their backups and files may be.
import { STALE_HOURS } from "../../atlas/backups.ts";
import type { Options } from "../../config/types.ts";
import { isClusterName } from "../../core/atlas-id.ts";

const HOURS: Readonly<Record<string, number>> = { m: 1 / 60, h: 1, d: 24 };

export interface StatusOrder {
  maxAgeHours: number;
  /** Absent: files may be of any age or missing. */
  maxSavedAgeHours?: number;
  /** Absent: every cluster that is not ignored. */
  only?: readonly string[];
  ignored: readonly string[];
  asJson: boolean;
}

export function readOrder(options: Options): StatusOrder | { usageError: string } {
  const maxAgeHours = hoursOf(options["max-age"]);
  const maxSavedAgeHours = hoursOf(options["max-saved-age"]);
  if (maxAgeHours === null || maxSavedAgeHours === null)
    return wrong(`--max-${maxAgeHours === null ? "age" : "saved-age"} must be a time such as 26h, 2d or 90m.`);
  const only = namesIn(options.cluster);
  const ignored = namesIn(options.ignore);
  if (!only || !ignored) return wrong("--cluster and --ignore take names of clusters: letters, digits and hyphens.");
  const both = only.find((name) => ignored.includes(name));
  if (both !== undefined) return wrong(`--cluster and --ignore both name ${both}.`);
  return {
    maxAgeHours: maxAgeHours ?? STALE_HOURS,
    ...(maxSavedAgeHours !== undefined && { maxSavedAgeHours }),
    ...(only.length > 0 && { only }),
    ignored,
    asJson: options.json === true,
  };
}

const wrong = (what: string) => ({ usageError: `${what} See --help.` });

/** Undefined if it is not given, null if it cannot be read. */
function hoursOf(text: Options[string]): number | undefined | null {
  if (text === undefined) return undefined;
  const [, digits, unit = ""] = /^(\d{1,4}(?:\.\d{1,2})?)\s*([mhd])$/.exec(String(text).trim()) ?? [];
  const hours = Number(digits) * (HOURS[unit] ?? Number.NaN);
  return hours > 0 ? hours : null;
}

/** Without doubles; undefined if one is no name of a cluster. */
function namesIn(text: Options[string]): string[] | undefined {
  const names = typeof text === "string" ? text.split(",").map((name) => name.trim()) : [];
  return names.every(isClusterName) ? [...new Set(names)] : undefined;
}
